//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something that was asked for does not work.
    Error,
    /// It works, but perhaps not as meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One thing to know about a configuration file. Never quotes the value of a variable or a secret.
///
/// Displayed as `file:line:column: severity: message`, and the suggestion, if any, on a line of its
/// own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is the matter, in a sentence.
    pub message: String,
    /// What to do about it.
    pub suggestion: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            severity,
            file,
            line,
            column,
            message,
            suggestion,
        } = self;
        let file = file.display();
        write!(f, "{file}:{line}:{column}: {severity}: {message}")?;
        match suggestion {
            Some(suggestion) => write!(f, "\n  {suggestion}"),
            None => Ok(()),
        }
    }
}

impl Finding {
    /// A finding without a suggestion, about what begins at this byte of a file's text.
    pub(crate) fn at(
        severity: Severity,
        file: &Path,
        text: &str,
        at: usize,
        message: String,
    ) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            severity,
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: line.chars().filter(|&c| c != '\u{feff}').count() + 1,
            message,
            suggestion: None,
        }
    }
}

/// Gathers the findings of one file.
pub(super) struct Report<'t> {
    file: PathBuf,
    text: &'t str,
    findings: Vec<Finding>,
}

impl<'t> Report<'t> {
    pub(super) fn new(file: &Path, text: &'t str) -> Self {
        Self {
            file: file.to_owned(),
            text,
            findings: Vec::new(),
        }
    }

    pub(super) fn error(&mut self, at: usize, message: impl Into<String>, todo: impl Into<String>) {
        self.add(Severity::Error, at, message.into(), Some(todo.into()));
    }

    pub(super) fn warning(
        &mut self,
        at: usize,
        message: impl Into<String>,
        todo: impl Into<String>,
    ) {
        self.add(Severity::Warning, at, message.into(), Some(todo.into()));
    }

    pub(super) fn note(&mut self, at: usize, message: impl Into<String>, todo: Option<String>) {
        self.add(Severity::Note, at, message.into(), todo);
    }

    fn add(&mut self, severity: Severity, at: usize, message: String, suggestion: Option<String>) {
        let mut finding = self.at(severity, at, message);
        finding.suggestion = suggestion;
        self.findings.push(finding);
    }

    /// A finding of this file that is not gathered.
    pub(super) fn at(&self, severity: Severity, at: usize, message: String) -> Finding {
        Finding::at(severity, &self.file, self.text, at, message)
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.text
            .get(..at)
            .unwrap_or(self.text)
            .matches('\n')
            .count()
            + 1
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// What was found, in the order of the file.
    pub(super) fn into_findings(mut self) -> Vec<Finding> {
        self.findings
            .sort_by_key(|finding| (finding.line, finding.column));
        self.findings
    }
}

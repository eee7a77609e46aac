//! The modules a script can import: the helpers by name, and the tools by name. Nothing is ever read
//! from anywhere.
//!
//! A module exists in two forms, each made at its first use. The *named* form has only the exports
//! that the program imports by name, so that it pays for these alone. The *whole* form is for whom
//! the namespace object is within reach. Nobody can tell them apart: the exports are the same values,
//! and who has a namespace object has that of the whole form.

use std::cell::RefCell;
use std::collections::HashSet;

use super::globals::EXPORTS;
use super::script::Script;
use super::{Thrown, callbacks, render, string, tool_object};
use crate::source::typescript;

const HELPER_SPECIFIERS: [&str; 2] = ["@openai/code_mode", "code-mode"];
const TOOLS_SPECIFIER: &str = "tools.js";

/// Exports of `tools.js` that are not tools. A tool of such a name is reached through `tools`.
const TOOLS_MODULE_HELPERS: [&str; 2] = ["tools", "ALL_TOOLS"];

/// A module that can be imported.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Importable {
    Helpers,
    Tools,
}

impl Importable {
    pub(super) fn from_specifier(specifier: &str) -> Option<Self> {
        if HELPER_SPECIFIERS.contains(&specifier) {
            Some(Self::Helpers)
        } else if specifier == TOOLS_SPECIFIER {
            Some(Self::Tools)
        } else {
            None
        }
    }

    fn specifier(self) -> &'static str {
        match self {
            Self::Helpers => HELPER_SPECIFIERS[0],
            Self::Tools => TOOLS_SPECIFIER,
        }
    }
}

/// Which of its exports a module has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Those that the program imports by name.
    Named,
    /// All.
    Whole,
}

/// The modules of one isolate; part of its [`Script`].
#[derive(Default)]
pub(super) struct Modules {
    /// The names that the program imports, if they can be told.
    imported: RefCell<Option<HashSet<String>>>,
    made: RefCell<Vec<Made>>,
}

struct Made {
    importable: Importable,
    form: Form,
    module: v8::Global<v8::Module>,
}

impl Modules {
    /// Notes what a program with static imports takes, before it is linked.
    pub(super) fn note_imports(&self, program: &str) {
        *self.imported.borrow_mut() = typescript::imported_names(program);
    }

    /// Lets go of every handle, before the isolate goes.
    pub(super) fn release(&self) {
        self.made.take();
    }

    /// The form that serves the static imports.
    fn imported_form(&self) -> Form {
        match *self.imported.borrow() {
            Some(_) => Form::Named,
            None => Form::Whole,
        }
    }
}

/// What a script that imports anything else is told.
pub(super) fn not_importable(specifier: &str) -> String {
    format!(
        "cannot import {specifier:?}: scripts can import \"@openai/code_mode\" or \"code-mode\" (the helpers) \
         and \"tools.js\" (the tools), and nothing else"
    )
}

/// V8 asks for the module behind a static import.
pub(super) fn resolve<'s>(
    context: v8::Local<'s, v8::Context>,
    specifier: v8::Local<'s, v8::String>,
    _attributes: v8::Local<'s, v8::FixedArray>,
    _referrer: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Module>> {
    // SAFETY: V8 calls this on the isolate's thread with its current context.
    v8::callback_scope!(unsafe scope, context);
    let mut module = None;
    callbacks::run(scope, |scope, script| {
        let specifier = render::to_rust_string(scope, specifier);
        let importable = Importable::from_specifier(&specifier)
            .ok_or_else(|| Thrown::Type(not_importable(&specifier)))?;
        let form = script.modules.imported_form();
        module = self::module(scope, script, importable, form);
        Ok(())
    });
    module
}

/// V8 asks for the module behind an `import(…)`.
pub(super) fn import_dynamically<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    _host_defined_options: v8::Local<'s, v8::Data>,
    _resource_name: v8::Local<'s, v8::Value>,
    specifier: v8::Local<'s, v8::String>,
    _attributes: v8::Local<'s, v8::FixedArray>,
) -> Option<v8::Local<'s, v8::Promise>> {
    let mut promise = None;
    callbacks::run(scope, |scope, script| {
        let resolver = v8::PromiseResolver::new(scope).ok_or(Thrown::Pending)?;
        promise = Some(resolver.get_promise(scope));
        let specifier = render::to_rust_string(scope, specifier);
        let settled = match Importable::from_specifier(&specifier) {
            Some(importable) => import(scope, script, importable, resolver)?,
            None => {
                let message = string(scope, &not_importable(&specifier));
                let error = v8::Exception::type_error(scope, message);
                resolver.reject(scope, error)
            }
        };
        settled.map(drop).ok_or(Thrown::Pending)
    });
    promise
}

/// Resolves to the module's namespace, or rejects with what kept it from being made.
fn import<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    importable: Importable,
    resolver: v8::Local<'s, v8::PromiseResolver>,
) -> Result<Option<bool>, Thrown> {
    v8::tc_scope!(let scope, scope);
    if let Some(namespace) = namespace(scope, script, importable) {
        return Ok(resolver.resolve(scope, namespace));
    }
    let Some(exception) = scope.exception().filter(|_| !scope.has_terminated()) else {
        scope.rethrow();
        return Err(Thrown::Pending);
    };
    scope.reset();
    Ok(resolver.reject(scope, exception))
}

fn namespace<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    importable: Importable,
) -> Option<v8::Local<'s, v8::Value>> {
    let module = module(scope, script, importable, Form::Whole)?;
    if module.get_status() == v8::ModuleStatus::Uninstantiated {
        module.instantiate_module(scope, resolve)?;
    }
    if module.get_status() == v8::ModuleStatus::Instantiated {
        module.evaluate(scope)?;
    }
    Some(module.get_module_namespace())
}

/// The module, made at its first import.
fn module<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    importable: Importable,
    form: Form,
) -> Option<v8::Local<'s, v8::Module>> {
    let is_it = |made: &&Made| made.importable == importable && made.form == form;
    if let Some(made) = script.modules.made.borrow().iter().find(is_it) {
        return Some(v8::Local::new(scope, &made.module));
    }
    let name = string(scope, importable.specifier());
    let names: Vec<_> = exports(script, importable, form)
        .iter()
        .map(|export| string(scope, export.name(script)))
        .collect();
    let module = v8::Module::create_synthetic_module(scope, name, &names, evaluate);
    script.modules.made.borrow_mut().push(Made {
        importable,
        form,
        module: v8::Global::new(scope, module),
    });
    Some(module)
}

/// What a module exports.
#[derive(Clone, Copy)]
enum Export {
    Helper(&'static str),
    /// A tool, by its place in the set.
    Tool(usize),
}

impl Export {
    fn name(self, script: &Script) -> &str {
        match self {
            Self::Helper(name) => name,
            Self::Tool(position) => {
                let tool = script.tools.at(position);
                &tool.expect("it is of the same set").global_name
            }
        }
    }

    fn value<'s>(
        self,
        scope: &mut v8::PinScope<'s, '_>,
        script: &Script,
    ) -> Option<v8::Local<'s, v8::Value>> {
        match self {
            Self::Helper("tools") => tool_object::object(scope, script).map(Into::into),
            Self::Helper("ALL_TOOLS") => tool_object::catalogue(scope, script),
            Self::Helper(name) => {
                let helpers = helpers(scope, script);
                let name = string(scope, name);
                helpers.get(scope, name.into())
            }
            Self::Tool(position) => {
                tool_object::function_at(scope, script, position).map(Into::into)
            }
        }
    }
}

/// What a module exports in one of its forms.
fn exports(script: &Script, importable: Importable, form: Form) -> Vec<Export> {
    let imported = script.modules.imported.borrow();
    let imported = imported.as_ref().filter(|_| form == Form::Named);
    let is_wanted = |name: &&str| imported.is_none_or(|imported| imported.contains(*name));
    let helpers: &[&str] = match importable {
        Importable::Helpers => &EXPORTS,
        Importable::Tools => &TOOLS_MODULE_HELPERS,
    };
    let helpers = helpers.iter().copied().filter(is_wanted);
    let mut exports: Vec<_> = helpers.map(Export::Helper).collect();
    if importable == Importable::Tools {
        let tools = match imported {
            Some(imported) => tools_named(script, imported),
            None => (0..script.tools.len()).collect(),
        };
        let tools = tools.into_iter().map(Export::Tool);
        exports.extend(tools.filter(|tool| !TOOLS_MODULE_HELPERS.contains(&tool.name(script))));
    }
    exports
}

/// The places of the tools with these global names.
fn tools_named(script: &Script, names: &HashSet<String>) -> Vec<usize> {
    let tools = &script.tools;
    let named = names.iter().filter_map(|name| {
        let position = tools.position(name)?;
        (tools.at(position)?.global_name == *name).then_some(position)
    });
    named.collect()
}

/// V8 evaluates one of our modules: sets its exports.
fn evaluate<'s>(
    context: v8::Local<'s, v8::Context>,
    module: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Value>> {
    // SAFETY: V8 calls this on the isolate's thread with its current context.
    v8::callback_scope!(unsafe scope, context);
    let mut done = None;
    callbacks::run(scope, |scope, script| {
        done = set_exports(scope, script, module);
        done.map(drop).ok_or(Thrown::Pending)
    });
    done
}

fn set_exports<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    script: &Script,
    module: v8::Local<'s, v8::Module>,
) -> Option<v8::Local<'s, v8::Value>> {
    let (importable, form) = {
        let made = script.modules.made.borrow();
        let made = made.iter().find(|made| made.module == module)?;
        (made.importable, made.form)
    };
    for export in exports(script, importable, form) {
        v8::scope!(let scope, scope);
        let value = export.value(scope, script)?;
        let name = string(scope, export.name(script));
        module.set_synthetic_module_export(scope, name, value)?;
    }
    evaluated(scope)
}

fn helpers<'s>(scope: &mut v8::PinScope<'s, '_>, script: &Script) -> v8::Local<'s, v8::Object> {
    let helpers = script.exports.borrow();
    let helpers = helpers.as_ref().expect("installed before any script runs");
    v8::Local::new(scope, helpers)
}

/// The promise that tells V8 a module's evaluation is over.
fn evaluated<'s>(scope: &mut v8::PinScope<'s, '_>) -> Option<v8::Local<'s, v8::Value>> {
    let resolver = v8::PromiseResolver::new(scope)?;
    let nothing = v8::undefined(scope);
    resolver.resolve(scope, nothing.into())?;
    Some(resolver.get_promise(scope).into())
}

//! Writes a file in one step, with its former text beside it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::plan::Privacy;

/// Puts a text in the place of a file's former one; gives the backup, if there was a file.
///
/// Whoever reads the file meanwhile sees the one text or the other, and a crash leaves the one or the
/// other. A link stays a link: the file it leads to is replaced. Permissions stay as they were.
pub(super) fn replace(
    file: &Path,
    before: Option<&str>,
    after: &str,
    privacy: Privacy,
) -> io::Result<Option<PathBuf>> {
    let target = match before {
        Some(_) => fs::canonicalize(file)?,
        None => file.to_owned(),
    };
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let backup = before
        .map(|before| back_up(&target, before, privacy))
        .transpose()?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".code-mode-");
    // Of a new file: what the person's umask leaves.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(mode(None, privacy)));
    }
    let mut temporary = builder.tempfile_in(folder)?;
    temporary.write_all(after.as_bytes())?;
    if before.is_some() {
        keep_permissions(temporary.as_file(), &target, privacy)?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(&target).map_err(|error| error.error)?;
    Ok(backup)
}

/// Writes the former text to the first `NAME.bak-N` that is free.
fn back_up(target: &Path, before: &str, privacy: Privacy) -> io::Result<PathBuf> {
    let name = target.file_name().unwrap_or_default();
    for number in 1.. {
        let mut backup = name.to_owned();
        backup.push(format!(".bak-{number}"));
        let backup = target.with_file_name(backup);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            // Nobody reads it before it has the permissions of the file.
            options.mode(0o600);
        }
        match options.open(&backup) {
            Ok(mut file) => {
                file.write_all(before.as_bytes())?;
                keep_permissions(&file, target, privacy)?;
                file.sync_all()?;
                return Ok(backup);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    unreachable!("some number is free")
}

fn keep_permissions(file: &File, of: &Path, privacy: Privacy) -> io::Result<()> {
    let permissions = fs::metadata(of)?.permissions();
    #[cfg(unix)]
    let permissions = {
        use std::os::unix::fs::PermissionsExt as _;
        fs::Permissions::from_mode(mode(Some(permissions.mode()), privacy))
    };
    #[cfg(not(unix))]
    let _ = privacy;
    file.set_permissions(permissions)
}

#[cfg(unix)]
fn mode(before: Option<u32>, privacy: Privacy) -> u32 {
    match (privacy, before) {
        (Privacy::OwnerOnly, _) => 0o600,
        (Privacy::AsItIs, Some(mode)) => mode & 0o7777,
        (Privacy::AsItIs, None) => 0o666,
    }
}

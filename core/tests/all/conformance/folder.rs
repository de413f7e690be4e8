//! The folder that a case works in.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

/// A folder with files and links; deleted at its end.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes what `files` says: a text is a file, `{"link": "TARGET"}` a symbolic link,
    /// `{"pipe": true}` a named pipe.
    pub fn new(files: &Value) -> Result<Self, String> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("caxton-case-{}-{number}", std::process::id());
        let folder = Folder(std::env::temp_dir().join(name));
        for (name, file) in files.as_object().ok_or("`folder` is an object")? {
            folder.make(name, file).map_err(|wrong| format!("folder: {name}: {wrong}"))?;
        }
        Ok(folder)
    }

    fn make(&self, name: &str, file: &Value) -> std::io::Result<()> {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
        if file["pipe"] == true {
            let made = std::process::Command::new("mkfifo").arg(path).status()?;
            return if made.success() { Ok(()) } else { Err(std::io::Error::other("mkfifo")) };
        }
        match file["link"].as_str() {
            Some(target) => std::os::unix::fs::symlink(target, path),
            None => std::fs::write(path, file.as_str().unwrap_or_default()),
        }
    }

    /// The case with the folder's path in place of `$folder`.
    pub fn name_in(&self, case: &Value) -> Value {
        let path = self.0.to_string_lossy();
        serde_json::from_str(&case.to_string().replace("$folder", &path)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

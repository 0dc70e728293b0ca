//! Core modules into components, and components onto the disk.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use wit_component::{ComponentEncoder, DecodedWasm, WitPrinter};

use crate::run;

/// Wraps a core module by the WIT that its bindings left in it.
pub(super) fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().module(module)?.validate(true).encode()
}

/// What a component imports and exports, with all types, in WIT.
pub(super) fn world(component: &[u8]) -> Result<String> {
    let decoded = wit_component::decode(component)?;
    if let DecodedWasm::WitPackage(..) = decoded {
        bail!("this is a WIT package, not a component");
    }
    let main = decoded.package();
    let others: Vec<_> =
        decoded.resolve().packages.iter().map(|(id, _)| id).filter(|id| *id != main).collect();
    let mut printer = WitPrinter::default();
    printer.emit_docs(false).print(decoded.resolve(), main, &others)?;
    Ok(printer.output.to_string())
}

/// Makes a folder hold exactly these components, and says how large each is.
pub(super) fn write(folder: &Path, components: &[(&str, Vec<u8>)]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} could not be made", folder.display()))?;
    remove_others(folder, components)?;
    for (name, bytes) in components {
        let file = folder.join(format!("{name}.wasm"));
        let news = if replace(&file, bytes)? { "" } else { ", as before" };
        run::say(&format!("{} ({} bytes{news})", file.display(), bytes.len()));
    }
    Ok(())
}

/// Removes the components of plugins that are gone: whoever reads the folder takes all it finds.
fn remove_others(folder: &Path, components: &[(&str, Vec<u8>)]) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_kept = components.iter().any(|(name, _)| path.file_stem().is_some_and(|stem| stem == *name));
        if path.extension().is_some_and(|extension| extension == "wasm") && !is_kept {
            fs::remove_file(&path).with_context(|| format!("{} could not be removed", path.display()))?;
        }
    }
    Ok(())
}

/// Replaces a file in one step where its bytes differ, and answers whether they did.
fn replace(file: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(file).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let new = file.with_extension(format!("{}.new", std::process::id()));
    fs::write(&new, bytes)
        .and_then(|()| fs::rename(&new, file))
        .with_context(|| format!("{} could not be written", file.display()))?;
    Ok(true)
}

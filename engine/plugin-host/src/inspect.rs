//! What a component is, before anything of it is compiled: its world, its WIT version, and what it
//! wants to import.

use martlet_domain::plugin::World;
use wasmparser::{ComponentExternalKind, ComponentTypeRef, Encoding, Parser, Payload};

use crate::{
    LoadError, UnknownImport,
    runtime::{clip, printable},
    world::WitVersion,
};

/// Names that a refusal lists, and bytes of each: an upload may hold millions.
const NAMES: usize = 50;
const NAME_BYTES: usize = 200;

/// What is known of a component by its imports and exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inspected {
    pub(crate) world: World,
    pub(crate) wit_version: WitVersion,
}

/// Looks at a component's imports and exports.
pub(crate) fn inspect(bytes: &[u8], limit: usize) -> Result<Inspected, LoadError> {
    if bytes.len() > limit {
        return Err(LoadError::TooLarge { size: bytes.len(), limit });
    }
    check_format(bytes)?;
    let (imports, exports) = names(bytes)?;
    let world = world(&exports)?;
    let wit_version = check_imports(&imports)?;
    if !wit_version.has(world) {
        return Err(LoadError::NoSuchWorld { world, version: wit_version.as_str() });
    }
    Ok(Inspected { world, wit_version })
}

fn check_format(bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.starts_with(b"\x7fELF") {
        Err(LoadError::Precompiled)
    } else if bytes.trim_ascii_start().starts_with(b"(") {
        Err(LoadError::Text)
    } else if !bytes.starts_with(b"\0asm") {
        Err(LoadError::NotWasm)
    } else if Parser::is_core_wasm(bytes) {
        Err(LoadError::CoreModule)
    } else {
        Ok(())
    }
}

/// Names of imported interfaces and functions, and of exported functions. What is nested isn't
/// looked at: it gets its imports from the component itself.
fn names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), LoadError> {
    let invalid = |error: wasmparser::BinaryReaderError| LoadError::Invalid(printable(&error.to_string()));
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(invalid)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(LoadError::CoreModule);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(invalid)?;
                    // A type that the world names is no capability.
                    if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                        imports.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(invalid)?;
                    if export.kind == ComponentExternalKind::Func {
                        exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

/// A world is known by the function that it alone exports.
fn world(exports: &[String]) -> Result<World, LoadError> {
    let exported = |name: &str| exports.iter().any(|export| export == name);
    let worlds: Vec<World> = World::ALL.into_iter().filter(|world| exported(world.function())).collect();
    let world = match worlds[..] {
        [world] => world,
        [] => {
            return Err(LoadError::NoWorld {
                exports: exports.iter().take(NAMES).map(|name| shown(name)).collect(),
            });
        }
        _ => return Err(LoadError::SeveralWorlds { worlds }),
    };
    match ["describe", "validate-config"].into_iter().find(|name| !exported(name)) {
        Some(export) => Err(LoadError::MissingExport { world, export }),
        None => Ok(world),
    }
}

/// Checks that nothing but our own interfaces is imported, and answers their version.
fn check_imports(imports: &[String]) -> Result<WitVersion, LoadError> {
    let (ours, unknown): (Vec<_>, Vec<_>) =
        imports.iter().map(|name| (name, version(name))).partition(|(_, version)| version.is_some());
    if !unknown.is_empty() {
        let unknown = unknown
            .into_iter()
            .take(NAMES)
            .map(|(name, _)| UnknownImport { name: shown(name), advice: advice(name) })
            .collect();
        return Err(LoadError::UnknownImports(unknown));
    }
    let mut version = None;
    for found in ours.into_iter().filter_map(|(_, version)| version) {
        match WitVersion::find(found) {
            Some(known) if version.is_none_or(|version| version == known) => version = Some(known),
            _ => return Err(LoadError::WitVersion { found: shown(found) }),
        }
    }
    version.ok_or(LoadError::NoWitVersion)
}

fn shown(name: &str) -> String {
    printable(clip(name, NAME_BYTES))
}

/// The version of one of our own interfaces; empty where it names none.
fn version(import: &str) -> Option<&str> {
    let interface = import.strip_prefix("martlet:commerce/")?;
    let (name, version) = interface.split_once('@').unwrap_or((interface, ""));
    matches!(name, "types" | "logging").then_some(version)
}

/// What to do about an import that can't be had.
fn advice(import: &str) -> &'static str {
    const ADVICE: &[(&str, &str)] = &[
        ("wasi:clocks/", "there is no clock: the cart's `as-of` is the time"),
        ("wasi:random/", "there is no randomness: the same cart must always get the same price"),
        ("wasi:filesystem/", "there are no files: put data into the configuration"),
        ("wasi:sockets/", "there is no network: put data into the configuration"),
        ("wasi:http/", "there is no network: put data into the configuration"),
        ("wasi:cli/", "the toolchain brings it along: in Rust, build for wasm32-unknown-unknown"),
        ("wasi:io/", "the toolchain brings it along: in Rust, build for wasm32-unknown-unknown"),
        ("wasi:", "WASI is not there: in Rust, build for wasm32-unknown-unknown"),
        ("wasi_snapshot_preview1", "WASI is not there: in Rust, build for wasm32-unknown-unknown"),
        ("martlet:commerce/", "martlet:commerce has no such interface: build against its published WIT"),
    ];
    ADVICE
        .iter()
        .find(|(prefix, _)| import.starts_with(prefix))
        .map_or("only martlet:commerce/logging can be imported: do without it", |(_, advice)| advice)
}

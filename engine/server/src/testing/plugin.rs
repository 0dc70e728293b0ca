//! A plugin small enough to be written by hand.

use std::path::PathBuf;

use martlet_domain::{
    Digest, Id,
    plugin::{Description, FailurePolicy, Installation, InstallationStage, Plugin, PluginVersion, World},
    quote::Class,
    settings::Store,
};
use martlet_store::Db;
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

use super::NOW;
use crate::ids::Ids;

/// At 1024 stands `ok([order])`, at 1040 `err([{ "/percent", "is missing" }])`. Address 16 holds
/// an empty answer, and memory from 64 KiB on is for arguments.
const GUEST: &str = r#"(module
    (memory (export "memory") 8)
    (global $next (mut i32) (i32.const 65536))
    (data (i32.const 1024) "\00\00\00\00\60\04\00\00\01\00\00\00")
    (data (i32.const 1040) "\01\00\00\00\70\04\00\00\01\00\00\00")
    (data (i32.const 1120) "\01")
    (data (i32.const 1136) "\00\08\00\00\08\00\00\00\08\08\00\00\0a\00\00\00")
    (data (i32.const 2048) "/percentis missing")
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at))
    (func (export "describe") (result i32) (i32.const 16))
    (func (export "validate-config") (param i32 i32) (result i32)
        (if (i32.gt_u (local.get 1) (i32.const 100)) (then unreachable))
        (select (i32.const 1040) (i32.const 1024) (i32.eq (local.get 1) (i32.const 2))))
    (func (export "FUNCTION") (param i32) (result i32) (i32.const 16)))"#;

/// Stores the plugin of a world, one version of it and its installation, which is active.
pub(super) async fn install(db: &Db, ids: &Ids, store: Id<Store>, world: World) -> Installation {
    let bytes = component(world);
    let plugin = Plugin { id: ids.next(NOW), name: format!("small-{world}"), world };
    db.insert_plugin(store, &plugin).await.expect("a plugin");
    let version = PluginVersion {
        plugin: plugin.id,
        digest: Digest::of(&bytes),
        description: Description {
            name: plugin.name.clone(),
            version: "1.0.0".to_owned(),
            title: "Small".to_owned(),
            summary: "A small plugin.".to_owned(),
            config_schema: "{}".to_owned(),
            templates: Vec::new(),
        },
        wit_version: "1.0.0".to_owned(),
        size: i64::try_from(bytes.len()).expect("a size"),
        created_at: NOW,
    };
    db.insert_plugin_version(store, &version, &bytes).await.expect("a version");
    let installation = Installation {
        id: ids.next(NOW),
        sequence: 0,
        plugin: plugin.name,
        version: "1.0.0".to_owned(),
        component: version.digest,
        world,
        config: "{}".to_owned(),
        classes: if world == World::Promotion { vec![Class::Order] } else { Vec::new() },
        stage: InstallationStage::Active,
        priority: 10,
        group: Some("main".to_owned()),
        failure_policy: FailurePolicy::Skip,
        gift_skus: Vec::new(),
        budget: None,
        daily_budget: None,
        customer_budget: None,
        starts_at: None,
        ends_at: None,
        exclusivity_tags: Vec::new(),
        quarantine: None,
        templates: Vec::new(),
    };
    db.insert_installation(store, &installation).await.expect("an installation")
}

fn component(world: World) -> Vec<u8> {
    let function = world.function();
    let mut resolve = Resolve::default();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../wit/1.0.0");
    let (package, _) = resolve.push_dir(folder).expect("the WIT package parses");
    let world = resolve.select_world(&[package], Some(world.as_str())).expect("the world is there");
    let mut module = wat::parse_str(GUEST.replace("FUNCTION", function)).expect("the text is WebAssembly");
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the module takes the world's metadata");
    let encoder = ComponentEncoder::default().module(&module);
    encoder.and_then(|mut encoder| encoder.encode()).expect("the module fits its world")
}

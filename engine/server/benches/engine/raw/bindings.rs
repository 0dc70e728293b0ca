//! Types of the published WIT package, made by wasmtime, without anything of the engine's.

pub(crate) use promotion::martlet::commerce::types;

pub(crate) mod promotion {
    wasmtime::component::bindgen!({ path: "../../wit/1.0.0", world: "promotion" });
}

pub(crate) mod coupon {
    // Under its own name the world would clash with the record `coupon`.
    wasmtime::component::bindgen!({
        path: "../../wit/1.0.0",
        inline: "
            package martlet:bench;
            world redeemer {
                include martlet:commerce/coupon@1.0.0;
            }
        ",
        world: "martlet:bench/redeemer",
        with: { "martlet:commerce": super::promotion::martlet::commerce },
    });
}

pub(crate) mod pricing {
    wasmtime::component::bindgen!({
        path: "../../wit/1.0.0",
        world: "pricing",
        with: { "martlet:commerce": super::promotion::martlet::commerce },
    });
}

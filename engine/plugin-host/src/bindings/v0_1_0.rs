//! `martlet:commerce@0.1.0`. The three worlds share one set of types.

pub(crate) use promotion::martlet::commerce::{logging::Level, types};

/// The interface that components log through.
pub(crate) const LOGGING: &str = "martlet:commerce/logging@0.1.0";

pub(crate) mod promotion {
    wasmtime::component::bindgen!({ path: "../../wit/0.1.0", world: "promotion" });
}

pub(crate) mod coupon {
    // Under its own name the world would clash with the record `coupon`.
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        inline: "
            package martlet:host;
            world redeemer {
                include martlet:commerce/coupon@0.1.0;
            }
        ",
        world: "martlet:host/redeemer",
        with: { "martlet:commerce": super::promotion::martlet::commerce },
    });
}

pub(crate) mod pricing {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "pricing",
        with: { "martlet:commerce": super::promotion::martlet::commerce },
    });
}

//! `martlet:commerce@1.0.0`. The six worlds share one set of types.

pub(crate) use promotion::martlet::commerce::{logging::Level, types};

/// The interface that components log through.
pub(crate) const LOGGING: &str = "martlet:commerce/logging@1.0.0";

pub(crate) mod promotion {
    wasmtime::component::bindgen!({ path: "../../wit/1.0.0", world: "promotion" });
}

pub(crate) mod coupon {
    // Under its own name the world would clash with the record `coupon`.
    wasmtime::component::bindgen!({
        path: "../../wit/1.0.0",
        inline: "
            package martlet:host;
            world redeemer {
                include martlet:commerce/coupon@1.0.0;
            }
        ",
        world: "martlet:host/redeemer",
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

pub(crate) mod shipping_rates {
    wasmtime::component::bindgen!({
        path: "../../wit/1.0.0",
        world: "shipping-rates",
        with: { "martlet:commerce": super::promotion::martlet::commerce },
    });
}

pub(crate) mod tax {
    wasmtime::component::bindgen!({
        path: "../../wit/1.0.0",
        world: "tax",
        with: { "martlet:commerce": super::promotion::martlet::commerce },
    });
}

pub(crate) mod checkout_validation {
    wasmtime::component::bindgen!({
        path: "../../wit/1.0.0",
        world: "checkout-validation",
        with: { "martlet:commerce": super::promotion::martlet::commerce },
    });
}

//! Writes the parts of an order.

use martlet_domain::{
    Id,
    money::Currency,
    order::{
        Cancellation, Discount, Fulfillment, LineProgress, LineQuantity, Order, OrderLine, Payment,
        PaymentStatus, Refund, RefundStatus,
    },
};

use super::{
    CancellationBody, DiscountBody, FulfillmentBody, LineQuantityBody, OrderBody, OrderLineBody, PaymentBody,
    RefundBody,
};
use crate::api::{
    carts::AddressBody,
    money::MoneyBody,
    quotes::{QuoteShippingBody, TaxBody, TotalsBody, UnitRunBody},
    time::Time,
};

impl From<&Order> for OrderBody {
    fn from(order: &Order) -> Self {
        let (terms, progress, currency) = (&order.terms, &order.progress, order.terms.currency);
        let lines = terms.lines.iter().zip(&progress.lines).enumerate();
        Self {
            id: order.id.uuid(),
            number: order.number.to_string(),
            version: order.version,
            status: order.status.as_str(),
            customer_id: terms.customer.map(Id::uuid),
            email: terms.email.clone(),
            shipping_address: terms.shipping_address.clone().map(AddressBody::from),
            currency: currency.to_string(),
            rulebook: terms.rulebook,
            receipt: terms.receipt.to_string(),
            lines: lines.map(|(position, line)| OrderLineBody::new(position, line, currency)).collect(),
            shipping: terms.shipping.as_ref().map(|shipping| QuoteShippingBody::new(shipping, currency)),
            discounts: terms.discounts.iter().map(|discount| DiscountBody::new(discount, currency)).collect(),
            totals: TotalsBody::new(terms.totals, currency),
            coupons: terms.coupons.iter().map(|coupon| coupon.code.to_string()).collect(),
            payment: PaymentBody::new(order),
            fulfillment_status: fulfillment_status(order),
            fulfillments: progress.fulfillments.iter().map(FulfillmentBody::from).collect(),
            refunds: progress.refunds.iter().map(|refund| RefundBody::new(refund, currency)).collect(),
            cancelled: progress.cancelled.as_ref().map(CancellationBody::from),
            placed_at: Time(order.placed_at),
            updated_at: Time(order.updated_at),
            pending_until: order.pending_until.map(Time),
        }
    }
}

impl OrderLineBody {
    fn new(position: usize, (line, progress): (&OrderLine, &LineProgress), currency: Currency) -> Self {
        let money = |amount| MoneyBody::new(amount, currency);
        Self {
            position,
            variant_id: line.variant.uuid(),
            sku: line.sku.to_string(),
            title: line.title.clone(),
            quantity: line.quantity,
            gift: line.line.is_none(),
            units: line.units.iter().map(|units| UnitRunBody::new(units, currency)).collect(),
            subtotal: money(line.subtotal),
            discount: money(line.discount),
            total: money(line.total),
            tax: TaxBody::new(line.tax, currency),
            fulfilled: progress.fulfilled,
            released: progress.released,
            returned: progress.returned,
        }
    }
}

impl DiscountBody {
    fn new(discount: &Discount, currency: Currency) -> Self {
        let Discount { name, label, amount, .. } = discount.clone();
        Self { name, label, amount: MoneyBody::new(amount, currency) }
    }
}

impl PaymentBody {
    fn new(order: &Order) -> Self {
        let Payment { provider, status, .. } = order.progress.payment;
        let money = |amount| MoneyBody::new(amount, order.terms.currency);
        let (status, decline_reason) = match status {
            PaymentStatus::Pending => ("pending", None),
            PaymentStatus::Authorised => ("authorised", None),
            PaymentStatus::Captured => ("captured", None),
            PaymentStatus::Declined(reason) => ("declined", Some(reason.as_str())),
            PaymentStatus::Voided => ("voided", None),
            PaymentStatus::CaptureRefused => ("capture_refused", None),
            PaymentStatus::VoidRefused => ("void_refused", None),
        };
        Self {
            provider: provider.as_str(),
            status,
            decline_reason,
            refunded: money(order.refunded()),
            refundable: money(order.refundable()),
        }
    }
}

impl From<&Fulfillment> for FulfillmentBody {
    fn from(fulfillment: &Fulfillment) -> Self {
        let Fulfillment { id, lines, tracking, at } = fulfillment.clone();
        Self { id: id.uuid(), lines: shown(lines), tracking, at: Time(at) }
    }
}

impl RefundBody {
    fn new(refund: &Refund, currency: Currency) -> Self {
        let Refund { id, amount, reason, lines, status, at } = refund.clone();
        let status = match status {
            RefundStatus::Pending => "pending",
            RefundStatus::Succeeded => "succeeded",
            RefundStatus::Refused => "refused",
        };
        let amount = MoneyBody::new(amount, currency);
        Self { id: id.uuid(), amount, status, reason, lines: shown(lines), at: Time(at) }
    }
}

impl From<&Cancellation> for CancellationBody {
    fn from(cancellation: &Cancellation) -> Self {
        match cancellation {
            Cancellation::Declined => Self { kind: "declined", reason: None },
            Cancellation::Expired => Self { kind: "expired", reason: None },
            Cancellation::Merchant(reason) => Self { kind: "merchant", reason: Some(reason.clone()) },
        }
    }
}

impl From<LineQuantityBody> for LineQuantity {
    fn from(LineQuantityBody { position, quantity }: LineQuantityBody) -> Self {
        Self { position, quantity }
    }
}

fn shown(lines: Vec<LineQuantity>) -> Vec<LineQuantityBody> {
    let shown = |LineQuantity { position, quantity }| LineQuantityBody { position, quantity };
    lines.into_iter().map(shown).collect()
}

fn fulfillment_status(order: &Order) -> &'static str {
    let fulfilled = order.progress.lines.iter().any(|line| line.fulfilled > 0);
    let open = (0..order.terms.lines.len()).any(|position| order.open_units(position) > 0);
    match (fulfilled, open) {
        (false, _) => "none",
        (true, true) => "partly",
        (true, false) => "all",
    }
}

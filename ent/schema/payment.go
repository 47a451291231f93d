package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Payment is money for one order. Its id begins as the order's does, so that the payments of an
// order are one range of keys. What is under way is set aside in the pending columns.
type Payment struct{ ent.Schema }

// Mixin gives the slot and the times.
func (Payment) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}, timed{}} }

// Fields lists the columns. Amounts are minor units.
func (Payment) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.UUID("order_id", uuid.UUID{}).Immutable(),
		field.String("customer_id").Comment("Empty for a guest, and once it is erased; never changes otherwise."),
		field.String("gateway").Immutable().Comment("The gateway that holds the money."),
		field.String("currency").Immutable().SchemaType(map[string]string{dialect.Postgres: "char(3)"}),
		field.Int64("amount_minor").Immutable().Comment("What was asked for."),
		field.Uint8("state").Comment("payments.v1.PaymentState."),
		field.Uint8("auth_state").Comment("What became of the authorization: payments.v1.OperationState."),
		field.String("authorization").Comment("The gateway's name of the authorization; may be empty."),
		field.Int64("authorized_minor"),
		field.Int64("captured_minor"),
		field.Int64("released_minor").Comment("Authorized, and let go again."),
		field.Int64("refunded_minor"),
		field.Int64("capture_pending_minor").Comment("Set aside for captures under way."),
		field.Int64("refund_pending_minor").Comment("Set aside for refunds under way."),
		field.Int("open_captures").Comment("How many captures are under way."),
		field.Int("open_unknown").Comment("How many operations have no known outcome."),
		field.Uint8("void_state").Comment("0 not voided, 1 being voided, 2 voided, 3 given up before the gateway knew of it."),
		field.String("decline").Comment("Why it failed; may be empty."),
		field.String("redirect_url").Comment("Where the customer proves who they are; may be empty."),
		field.Time("expire_time").Optional().Nillable().Comment("When the authorization lapses."),
		field.Int64("version").Comment("Counts changes, from 1."),
	}
}

// Indexes serve the lists by state and by customer; the lists by order walk the key.
func (Payment) Indexes() []ent.Index {
	return []ent.Index{index.Fields("state", "id"), index.Fields("slot", "customer_id", "id")}
}

// Annotations hold the rules that the database checks itself.
func (Payment) Annotations() []schema.Annotation {
	return []schema.Annotation{
		check("payment_amount", "amount_minor > 0 AND authorized_minor >= 0 AND authorized_minor <= amount_minor"),
		check("payment_captured", "captured_minor >= 0 AND released_minor >= 0 AND capture_pending_minor >= 0 AND captured_minor + released_minor + capture_pending_minor <= authorized_minor"),
		check("payment_refunded", "refunded_minor >= 0 AND refund_pending_minor >= 0 AND refunded_minor + refund_pending_minor <= captured_minor"),
		check("payment_open", "open_captures >= 0 AND open_unknown >= 0"),
	}
}

// PaymentOperation is one thing that was asked of the gateway, under one key. Its id is made from
// the key, so the same wish is the same row.
type PaymentOperation struct{ ent.Schema }

// Mixin gives the slot and the times.
func (PaymentOperation) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}, timed{}} }

// Fields lists the columns. Amounts are minor units.
func (PaymentOperation) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.UUID("payment_id", uuid.UUID{}).Immutable(),
		field.Uint8("kind").Immutable().Comment("payments.v1.OperationKind."),
		field.String("key").Immutable().Comment("The idempotency key that the gateway gets."),
		field.Bytes("fingerprint").Immutable().Comment("SHA-256 of the wish: another wish with the same key is refused."),
		field.Int64("amount_minor").Immutable(),
		field.Bool("final").Immutable().Comment("Of a capture: the rest is released."),
		field.Uint8("state").Comment("payments.v1.OperationState."),
		field.Int64("held_minor").Comment("What it sets aside of the payment while it is open."),
		field.Int("sends").Comment("How often it was sent since it was last certain that nothing had happened."),
		field.Time("sent_time").Comment("When it was last sent."),
		field.String("reference").Comment("The gateway's name of what moved; may be empty."),
		field.String("reason").Comment("Why it failed; may be empty."),
		field.String("note").Comment("Why it was asked for; may be empty, and is once it is erased."),
	}
}

// Indexes serve the sweep of operations whose outcome is not known.
func (PaymentOperation) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("update_time").Annotations(entsql.IndexWhere("state IN (2, 3)")),
	}
}

// Annotations hold the rules that the database checks itself.
func (PaymentOperation) Annotations() []schema.Annotation {
	return []schema.Annotation{check("payment_operation_amount", "amount_minor >= 0 AND held_minor >= 0")}
}

// LedgerEntry is one transfer between two accounts, never changed: what is debited is credited. Its
// id is that of the movement with its number in the last 16 bits, so none can be booked twice.
type LedgerEntry struct{ ent.Schema }

// Mixin gives the slot.
func (LedgerEntry) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}} }

// Fields lists the columns. Amounts are minor units.
func (LedgerEntry) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.UUID("payment_id", uuid.UUID{}).Immutable(),
		field.Uint8("movement").Immutable().Comment("1 authorized, 2 captured, 3 released, 4 refunded."),
		field.Uint8("debit").Immutable().Comment("1 customer, 2 authorized, 3 gateway clearing, 4 revenue, 5 refunds."),
		field.Uint8("credit").Immutable().Comment("As debit."),
		field.Int64("amount_minor").Immutable(),
		field.String("currency").Immutable().SchemaType(map[string]string{dialect.Postgres: "char(3)"}),
		field.Time("time").Immutable(),
	}
}

// Annotations hold the rules that the database checks itself.
func (LedgerEntry) Annotations() []schema.Annotation {
	return []schema.Annotation{check("ledger_entry_amount", "amount_minor > 0 AND debit <> credit")}
}

// PaymentEvent remembers an event of a gateway that was taken, so that it is taken once. Its id is
// made from the gateway and the event's own id.
type PaymentEvent struct{ ent.Schema }

// Mixin gives the slot.
func (PaymentEvent) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}} }

// Fields lists the columns.
func (PaymentEvent) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.UUID("payment_id", uuid.UUID{}).Immutable(),
		field.String("event_id").Immutable().Comment("The gateway's."),
		field.Time("create_time").Immutable(),
	}
}

// Indexes serve the sweep of old events.
func (PaymentEvent) Indexes() []ent.Index { return []ent.Index{index.Fields("create_time")} }

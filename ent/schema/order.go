package schema

import (
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Order is one order with its lines: what is read together is stored together. Its id sorts by
// creation, so that every list is one walk of an index that ends with it.
type Order struct{ ent.Schema }

// Mixin gives the slot and the times.
func (Order) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}, timed{}} }

// Fields lists the columns.
func (Order) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.String("customer_id").Comment("Empty for a guest, and once it is erased; never changes otherwise."),
		field.String("source").Immutable().Comment("The system it was imported from; empty for an order placed here."),
		field.String("number").Immutable().Comment("Its number there, or in the caller's books; may be empty."),
		field.Uint8("lifecycle").Comment("orders.v1.Lifecycle."),
		field.Uint8("payment_status").Comment("orders.v1.PaymentStatus."),
		field.Uint8("fulfillment_status").Comment("orders.v1.FulfillmentStatus."),
		field.String("currency").Immutable().SchemaType(map[string]string{dialect.Postgres: "char(3)"}),
		field.JSON("lines", []OrderLine{}),
		field.Int64("shipping_minor"),
		field.Int64("total_minor").Comment("Lines and carriage, minor units."),
		field.JSON("ship_to", &Address{}).Optional(),
		field.String("note"),
		field.String("cancel_reason"),
		field.String("payment_method").Default("").Comment("A token of the gateway; may be empty."),
		field.Int("placements").Default(0).Comment("How often it was placed."),
		field.Time("confirm_time").Optional().Nillable(),
		field.JSON("progress", &OrderProgress{}).Optional().Comment("What only some orders have."),
		field.Int64("version").Comment("The sequence of its last event."),
	}
}

// Indexes serve the lists: each filter has one that ends with the id.
func (Order) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("slot", "customer_id", "id"),
		index.Fields("lifecycle", "id"),
		index.Fields("payment_status", "id"),
		index.Fields("fulfillment_status", "id"),
		index.Fields("number", "id").Annotations(entsql.IndexWhere("number <> ''")),
	}
}

// Annotations hold the rules that the database checks itself.
func (Order) Annotations() []schema.Annotation {
	return []schema.Annotation{
		entsql.Annotation{Table: "orders"},
		check("order_total", "total_minor >= 0 AND shipping_minor >= 0"),
	}
}

// OrderLine is a line as it is stored. Its position is its place in the list, from 1.
type OrderLine struct {
	SKU         string `json:"sku"`
	Description string `json:"description,omitempty"`
	Service     bool   `json:"service,omitempty"`
	Quantity    int64  `json:"quantity"`
	UnitPrice   int64  `json:"unit_price"`         // minor units
	Discount    int64  `json:"discount,omitempty"` // minor units, off the whole line
	Returned    int64  `json:"returned,omitempty"`
}

// OrderProgress is what has become of an order since it was placed, as far as it is out of the ordinary.
type OrderProgress struct {
	StatusReason string     `json:"status_reason,omitempty"`
	ActionURL    string     `json:"action_url,omitempty"`
	Cleared      bool       `json:"cleared,omitempty"`
	Shipments    []Shipment `json:"shipments,omitempty"`
	Amendment    *Amendment `json:"amendment,omitempty"`
}

// Amendment is the latest one of an order as it is stored.
type Amendment struct {
	Version  int         `json:"version"` // the sequence of the event that asked for it
	Lines    []OrderLine `json:"lines"`
	Shipping int64       `json:"shipping,omitempty"` // minor units
	Applied  bool        `json:"applied,omitempty"`
	Refused  string      `json:"refused,omitempty"`
}

// Shipment is a parcel as it is stored. Its number is its place in the list, from 1.
type Shipment struct {
	State    uint8          `json:"state"`
	Lines    []LineQuantity `json:"lines"`
	Carrier  string         `json:"carrier,omitempty"`
	Tracking string         `json:"tracking,omitempty"`
	Amount   int64          `json:"amount,omitempty"` // minor units
	Final    bool           `json:"final,omitempty"`
	Created  time.Time      `json:"created"`
	Updated  time.Time      `json:"updated"`
}

// LineQuantity is how much of a line, named by its position from 1.
type LineQuantity struct {
	Position int   `json:"position"`
	Quantity int64 `json:"quantity"`
}

// Address is where parcels go, as it is stored.
type Address struct {
	Name       string `json:"name,omitempty"`
	Street     string `json:"street,omitempty"`
	City       string `json:"city,omitempty"`
	Region     string `json:"region,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Country    string `json:"country,omitempty"`
}

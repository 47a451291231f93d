package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// RiskAssessment is what was odd about an order, changed by an erasure alone. Its id is the order's; an order with
// nothing odd about it has none.
type RiskAssessment struct{ ent.Schema }

// Mixin gives the slot.
func (RiskAssessment) Mixin() []ent.Mixin { return []ent.Mixin{slotted{}} }

// Fields lists the columns.
func (RiskAssessment) Fields() []ent.Field {
	return []ent.Field{
		uuidKey(),
		field.Int("score").Immutable(),
		field.Uint8("outcome").Immutable().Comment("orders.v1.RiskOutcome."),
		field.JSON("reasons", []RiskReason{}).Comment("Without explanations once they are erased."),
		field.Bool("shadow").Immutable().Comment("The outcome was only noted."),
		field.Time("create_time").Immutable(),
	}
}

// RiskReason is one thing that was odd.
type RiskReason struct {
	Rule        string `json:"rule"`
	Points      int    `json:"points"`
	Explanation string `json:"explanation"`
}

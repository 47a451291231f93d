package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// ShardRange says which shard owns a run of slots. Together the ranges are the shard map. Home.
type ShardRange struct{ ent.Schema }

// Fields lists the columns.
func (ShardRange) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").StorageKey("first_slot").Immutable(),
		field.Int("last_slot"),
		field.Int("shard").Comment("The place of the shard in the configuration, from 0."),
		field.Int64("epoch").Comment("The version of the map in which the range last changed."),
	}
}

// ServerKey is a key that all replicas share, made by the first one that needs it. Home.
type ServerKey struct{ ent.Schema }

// Fields lists the columns.
func (ServerKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("name").Immutable(),
		field.Bytes("key").Sensitive().Immutable(),
		field.Time("create_time").Immutable(),
	}
}

// Flag is how a feature flag is set. One that nobody has set has no row. Home.
type Flag struct{ ent.Schema }

// Fields lists the columns.
func (Flag) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("key").Immutable(),
		field.Bool("enabled").Comment("False is the kill switch."),
		field.String("default_variant"),
		field.JSON("rollout", map[string]int{}).Comment("Percent of customers, by variant."),
		field.JSON("targets", map[string]string{}).Comment("Variants, by customer."),
		field.Int64("version").Comment("Counts changes, from 1."),
		field.String("update_actor").Comment("Who set it last."),
		field.Time("update_time"),
	}
}

// Annotations hold the rules that the database checks itself.
func (Flag) Annotations() []schema.Annotation {
	return []schema.Annotation{check("flag_version", "version >= 1")}
}

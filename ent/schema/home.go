package schema

import (
	"entgo.io/ent"
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

package database

import (
	"context"
	"database/sql"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// Driver lets ent work in a transaction that somebody else began and will end, so that what ent
// writes and what others write with the same transaction commit together. The transactions that
// ent begins on it are this one; their Commit and Rollback do nothing.
func Driver(tx *sql.Tx, name string) dialect.Driver {
	return shared{Conn: entsql.Conn{ExecQuerier: tx}, name: name}
}

type shared struct {
	entsql.Conn
	name string
}

// Dialect names the dialect.
func (s shared) Dialect() string { return s.name }

// Tx gives the transaction itself.
func (s shared) Tx(context.Context) (dialect.Tx, error) { return s, nil }

// BeginTx gives the transaction itself.
func (s shared) BeginTx(context.Context, *sql.TxOptions) (dialect.Tx, error) { return s, nil }

// Commit does nothing.
func (s shared) Commit() error { return nil }

// Rollback does nothing.
func (s shared) Rollback() error { return nil }

// Close does nothing: whoever began the transaction ends it.
func (s shared) Close() error { return nil }

package database

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// Login gives the user and the password of the next connection. They may change at any time: a connection
// of an earlier user ends when what it does just then is done, and is not taken from the pool again. It must be fast
// and safe for concurrent use.
type Login func() (user, password string)

// open opens a pool of database/sql whose connections go with the login; nil is who the URL says.
func (l Login) open(config *pgx.ConnConfig) *sql.DB {
	if l == nil {
		return stdlib.OpenDB(*config, stdlib.OptionAfterConnect(types))
	}
	return sql.OpenDB(loginConnector{login: l, Connector: stdlib.GetConnector(*config, stdlib.OptionAfterConnect(types),
		stdlib.OptionBeforeConnect(l.connect), stdlib.OptionResetSession(func(_ context.Context, conn *pgx.Conn) error {
			if l.left(conn) {
				return driver.ErrBadConn // another one is taken or made, nobody notices
			}
			return nil
		}))})
}

// guard makes a pool of pgx's own do the same.
func (l Login) guard(pool *pgxpool.Config) {
	if l == nil {
		return
	}
	pool.BeforeConnect = l.connect
	pool.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) { return !l.left(conn), nil }
}

func (l Login) connect(_ context.Context, c *pgx.ConnConfig) error {
	c.User, c.Password = l()
	return nil
}

// left tells whether a connection is of an earlier user.
func (l Login) left(conn *pgx.Conn) bool {
	user, _ := l()
	return conn.Config().User != user
}

// loginConnector makes connections that know when their user has left.
type loginConnector struct {
	driver.Connector
	login Login
}

// Connect implements driver.Connector. It takes time, in which the user may leave: then it connects again, as whoever
// gets a connection of this has no further try.
func (c loginConnector) Connect(ctx context.Context) (driver.Conn, error) {
	for {
		made, err := c.Connector.Connect(ctx)
		if err != nil {
			return nil, err
		}
		conn := made.(*stdlib.Conn)
		if !c.login.left(conn.Conn()) {
			return &loginConn{Conn: conn, login: c.login}, nil
		}
		if err := conn.Close(); err != nil {
			return nil, err
		}
	}
}

// loginConn refuses its first work when its user has left: database/sql asks a connection that was used before
// whether it may be used again (OptionResetSession), but not one that was made for somebody who went away.
type loginConn struct {
	*stdlib.Conn
	login Login
	used  bool
}

// IsValid implements driver.Validator. A connection whose user has left is not handed to whoever waits:
// database/sql tries only so often before it gives up.
func (c *loginConn) IsValid() bool { return !c.login.left(c.Conn.Conn()) }

func (c *loginConn) use() error {
	if c.used {
		return nil
	}
	c.used = true
	if !c.IsValid() {
		return driver.ErrBadConn // nothing was sent: another one is tried
	}
	return nil
}

// BeginTx implements driver.ConnBeginTx.
func (c *loginConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.use(); err != nil {
		return nil, err
	}
	return c.Conn.BeginTx(ctx, o)
}

// ExecContext implements driver.ExecerContext.
func (c *loginConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.use(); err != nil {
		return nil, err
	}
	return c.Conn.ExecContext(ctx, query, args)
}

// QueryContext implements driver.QueryerContext.
func (c *loginConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.use(); err != nil {
		return nil, err
	}
	return c.Conn.QueryContext(ctx, query, args)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *loginConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.use(); err != nil {
		return nil, err
	}
	return c.Conn.PrepareContext(ctx, query)
}

// Resize bounds the connections anew, 0 for as many as without a word. On SQLite it is about readers.
// Connections above the bound end when they are given back; a pool that Pool gave keeps its size.
func (db *Database) Resize(connections int) {
	size := orElse(connections, sqliteReaders)
	if db.dialect == Postgres {
		size = orElse(connections, postgresConnections)
	}
	db.Read.SetMaxOpenConns(size)
	db.Read.SetMaxIdleConns(size)
}

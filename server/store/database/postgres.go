package database

import (
	"database/sql"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// postgresTurns is how many batches are written at once: while one is committed, another is at work.
const postgresTurns = 2

// postgresConnections is the size of a pool unless the options say otherwise.
const postgresConnections = 16

func openPostgres(u *url.URL, opts Options) (*Database, error) {
	config, err := postgresConfig(u, opts)
	if err != nil {
		return nil, err
	}
	pool := opts.Login.open(config)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(time.Hour) // finds a new primary behind a name in the end
	db := &Database{Write: pool, Read: pool, Turns: make(chan struct{}, postgresTurns), dialect: Postgres, postgres: config, login: opts.Login}
	db.Resize(opts.MaxConnections)
	return db, nil
}

// keptStatements is how many prepared statements a connection keeps: several times what it had while orders were placed
// and carried on, 25. The room for 512 that pgx would make takes 75 KB of each connection at once.
const keptStatements = 128

// postgresConfig takes the password out of the URL before pgx reads it: no error can quote it.
func postgresConfig(u *url.URL, opts Options) (*pgx.ConnConfig, error) {
	bare, query := *u, u.Query()
	password, has := u.User.Password()
	if has {
		bare.User = url.User(u.User.Username())
	}
	if query.Has("password") {
		password, has = query.Get("password"), true
		query.Del("password")
		bare.RawQuery = query.Encode()
	}
	config, err := pgx.ParseConfig(bare.String())
	if err != nil {
		if query.Has("sslpassword") {
			err = nil
		}
		return nil, fault.New(fault.KindInvalid, ReasonURL,
			"the database URL %s cannot be used", Redact(u.String())).Because(err)
	}
	if has {
		config.Password = password
	}
	config.DialFunc = dialer.DialContext
	if config.DefaultQueryExecMode != pgx.QueryExecModeCacheDescribe {
		config.DescriptionCacheCapacity = 0 // a connection has room for 512 otherwise, which only that mode uses
	}
	if !query.Has("statement_cache_capacity") {
		config.StatementCacheCapacity = keptStatements
	}
	if !query.Has("connect_timeout") {
		config.ConnectTimeout = opts.ConnectTimeout
	}
	// What the URL sets stays.
	for name, value := range map[string]string{
		"application_name":                    opts.ApplicationName,
		"statement_timeout":                   milliseconds(opts.StatementTimeout),
		"lock_timeout":                        milliseconds(opts.LockTimeout),
		"idle_in_transaction_session_timeout": milliseconds(opts.StatementTimeout),
		// Whatever is listed has an index in that order. A plan that gathers and sorts instead
		// looks good to the planner when it guesses wrong, and reads without a bound.
		"enable_sort": "off",
		// A statement that must sort nevertheless looks so dear to the planner then that it would be compiled, which takes
		// longer than most statements run: River's took seconds of it.
		"jit": "off",
		// Every statement is found by an index whatever its arguments are, so it need not be planned for each.
		"plan_cache_mode": "force_generic_plan",
	} {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = value
		}
	}
	return config, nil
}

// Pgx lends the Postgres connection beneath conn to fn: for COPY, batches and arrays. Do not keep
// it. The transaction that conn has open, if any, is the one that fn works in.
func Pgx(conn *sql.Conn, fn func(*pgx.Conn) error) error {
	return conn.Raw(func(driver any) error {
		switch beneath := driver.(type) {
		case *stdlib.Conn:
			return fn(beneath.Conn())
		case *loginConn:
			return fn(beneath.Conn.Conn())
		}
		return fmt.Errorf("not a Postgres connection: %T", driver)
	})
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

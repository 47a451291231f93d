package simulator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/store/database"
)

const schema = `
CREATE TABLE IF NOT EXISTS operations (
	seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, origin TEXT NOT NULL, fingerprint BLOB,
	operation TEXT NOT NULL, payment TEXT NOT NULL, account INTEGER NOT NULL, amount INTEGER NOT NULL,
	currency TEXT NOT NULL, method TEXT NOT NULL, return_url TEXT NOT NULL, outcome TEXT NOT NULL,
	decline TEXT NOT NULL, movement INTEGER NOT NULL, moved INTEGER NOT NULL, released INTEGER NOT NULL,
	reserved INTEGER NOT NULL, captured INTEGER NOT NULL, refunded INTEGER NOT NULL, ended TEXT NOT NULL,
	expires INTEGER NOT NULL,
	CHECK (moved >= 0 AND released >= 0 AND reserved >= 0 AND captured + reserved <= amount OR operation <> 'authorize'),
	CHECK (refunded BETWEEN 0 AND captured)
) STRICT;
CREATE INDEX IF NOT EXISTS operations_due ON operations (expires) WHERE reserved > 0;
CREATE TABLE IF NOT EXISTS webhooks (
	id INTEGER PRIMARY KEY, event TEXT NOT NULL, body TEXT NOT NULL, attempts INTEGER NOT NULL, due INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS webhooks_due ON webhooks (due);`

const columns = `seq, key, origin, fingerprint, operation, payment, account, amount, currency, method,
	return_url, outcome, decline, movement, moved, released, reserved, captured, refunded, ended, expires`

// fields gives where the columns of a row are, in their order.
func (r *row) fields() []any {
	return []any{
		&r.seq, &r.key, &r.origin, &r.fingerprint, &r.operation, &r.payment, &r.account, &r.amount, &r.currency, &r.method,
		&r.returnURL, &r.outcome, &r.decline, &r.movement, &r.moved, &r.released, &r.reserved, &r.captured, &r.refunded,
		&r.ended, &r.expires,
	}
}

func (r *row) values() []any {
	return []any{
		r.seq, r.key, r.origin, r.fingerprint, string(r.operation), r.payment, r.account, int64(r.amount), string(r.currency),
		r.method, r.returnURL, string(r.outcome), string(r.decline), r.movement, int64(r.moved), int64(r.released),
		int64(r.reserved), int64(r.captured), int64(r.refunded), r.ended, r.expires,
	}
}

// book is the bank's ledger in its database. Only one goroutine at once writes it.
type book struct {
	db           *database.Database
	now          func() time.Time
	expiresAfter time.Duration
	tellsEvents  bool
	last         int64

	byKey, bySeq, insert, change, event *sql.Stmt
}

func openBook(ctx context.Context, db *database.Database, o Options) (*book, error) {
	b := &book{db: db, now: o.Now, expiresAfter: o.ExpiresAfter, tellsEvents: o.WebhookURL != ""}
	if _, err := db.Write.ExecContext(ctx, schema); err != nil {
		return nil, fmt.Errorf("make the gateway simulator's ledger: %w", err)
	}
	if err := db.Write.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM operations`).Scan(&b.last); err != nil {
		return nil, fmt.Errorf("read the gateway simulator's ledger: %w", err)
	}
	marks := strings.Repeat(", ?", len(new(row).fields()))[2:]
	for statement, text := range map[**sql.Stmt]string{
		&b.byKey:  `SELECT ` + columns + ` FROM operations WHERE key IN (SELECT value FROM json_each(?))`,
		&b.bySeq:  `SELECT ` + columns + ` FROM operations WHERE seq IN (SELECT value FROM json_each(?)) AND operation = 'authorize'`,
		&b.insert: `INSERT INTO operations (` + columns + `) VALUES (` + marks + `)`,
		&b.change: `UPDATE operations SET outcome = ?, decline = ?, movement = ?, reserved = ?, captured = ?, refunded = ?,
			ended = ?, expires = ? WHERE seq = ?`,
		&b.event: `INSERT INTO webhooks (event, body, attempts, due) VALUES (?, ?, 0, ?)`,
	} {
		prepared, err := db.Write.PrepareContext(ctx, text) //nolint:sqlclosecheck // close does
		if err != nil {
			return nil, errors.Join(fmt.Errorf("prepare %q: %w", text, err), b.close())
		}
		*statement = prepared
	}
	return b, nil
}

func (b *book) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{b.byKey, b.bySeq, b.insert, b.change, b.event} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// write carries out a batch in one transaction. Its errors are for the whole batch, which then may
// or may not have been written; outcomes[i] has the fault of one command.
func (b *book) write(ctx context.Context, batch []command) (replies []reply, refused []error, err error) {
	tx, err := b.db.Write.BeginTx(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = tx.Rollback() }()
	p, err := b.load(ctx, tx, batch)
	if err != nil {
		return nil, nil, err
	}
	replies, refused = make([]reply, len(batch)), make([]error, len(batch))
	for i, c := range batch {
		replies[i], refused[i] = p.do(c)
	}
	if err := b.save(ctx, tx, p); err != nil {
		return nil, nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, nil, err
	}
	b.last = p.last
	return replies, refused, nil
}

package simulator

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// due gives the numbers of some authorizations that are past their time.
func (b *book) due(ctx context.Context, now time.Time) ([]int64, error) {
	rows, err := b.db.Read.QueryContext(ctx,
		`SELECT seq FROM operations WHERE reserved > 0 AND expires <= ? ORDER BY expires LIMIT 256`, now.UnixMicro())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var due []int64
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		due = append(due, seq)
	}
	return due, rows.Err()
}

// find gives the operation with a key and its account; nil when there is none.
func (b *book) find(ctx context.Context, key string) (r, account *row, err error) {
	r, account = new(row), new(row)
	err = b.db.Read.QueryRowContext(ctx, `SELECT `+columns+` FROM operations WHERE key = ?`, key).Scan(r.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, nil
	}
	if err != nil || r.account == r.seq {
		return r, r, err
	}
	err = b.db.Read.QueryRowContext(ctx, `SELECT `+columns+` FROM operations WHERE seq = ?`, r.account).Scan(account.fields()...)
	return r, account, err
}

// number gives the authorization with a number; nil when there is none.
func (b *book) number(ctx context.Context, seq int64) (*row, error) {
	r := new(row)
	err := b.db.Read.QueryRowContext(ctx, `SELECT `+columns+` FROM operations WHERE seq = ? AND operation = 'authorize'`, seq).
		Scan(r.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return r, err
}

// ledger gives the movements of up to limit operations with numbers above after, and the number to
// go on after; 0 when that was all.
func (b *book) ledger(ctx context.Context, after int64, limit int) ([]movementMessage, int64, error) {
	rows, err := b.db.Read.QueryContext(ctx, `SELECT o.seq, o.origin, o.operation, o.payment, o.account, o.currency,
		o.moved, o.released, a.method FROM operations o JOIN operations a ON a.seq = o.account
		WHERE o.seq > ? AND o.movement = o.seq ORDER BY o.seq LIMIT ?`, after, limit)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	movements := []movementMessage{}
	read := 0
	for ; rows.Next(); read++ {
		var r row
		var method string
		if err := rows.Scan(&r.seq, &r.origin, &r.operation, &r.payment, &r.account, &r.currency, &r.moved, &r.released, &method); err != nil {
			return nil, 0, err
		}
		after = r.seq
		movements = append(movements, r.movements(method)...)
	}
	if read < limit {
		after = 0
	}
	return movements, after, rows.Err()
}

package simulator

import (
	"context"
	"database/sql"
	"encoding/json"
)

// load reads what the batch is about.
func (b *book) load(ctx context.Context, tx *sql.Tx, batch []command) (*page, error) {
	p := &page{
		now: b.now().UnixMicro(), expiresAfter: b.expiresAfter.Microseconds(), last: b.last,
		byKey: map[string]*row{}, accounts: map[int64]*row{}, changed: map[int64]*row{}, twice: map[string]bool{},
	}
	var keys []string
	var accounts []int64
	for _, c := range batch {
		if c.request == nil {
			accounts = append(accounts, c.account)
			continue
		}
		keys = append(keys, string(c.request.Key))
		if account := parseAuthorizationID(c.request.Authorization); account != 0 {
			accounts = append(accounts, account)
		}
	}
	known, err := query(ctx, tx.StmtContext(ctx, b.byKey), keys)
	if err != nil {
		return nil, err
	}
	for _, r := range known {
		p.byKey[r.key] = r
		if r.account == r.seq {
			p.accounts[r.seq] = r
		} else {
			accounts = append(accounts, r.account)
		}
	}
	opened, err := query(ctx, tx.StmtContext(ctx, b.bySeq), accounts)
	if err != nil {
		return nil, err
	}
	for _, r := range opened {
		if p.accounts[r.seq] == nil {
			p.accounts[r.seq] = r
		}
		if p.byKey[r.key] == nil {
			p.byKey[r.key] = r
		}
	}
	return p, nil
}

func query[T any](ctx context.Context, statement *sql.Stmt, wanted []T) ([]*row, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(wanted)
	if err != nil {
		return nil, err
	}
	rows, err := statement.QueryContext(ctx, string(list))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []*row
	for rows.Next() {
		r := new(row)
		if err := rows.Scan(r.fields()...); err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

func (b *book) save(ctx context.Context, tx *sql.Tx, p *page) error {
	insert := tx.StmtContext(ctx, b.insert)
	defer insert.Close()
	for _, r := range p.inserted {
		delete(p.changed, r.seq) // it is inserted as it is after all changes of the batch
		if _, err := insert.ExecContext(ctx, r.values()...); err != nil {
			return err
		}
	}
	change := tx.StmtContext(ctx, b.change)
	defer change.Close()
	for _, r := range p.changed {
		if _, err := change.ExecContext(ctx, string(r.outcome), string(r.decline), r.movement, int64(r.reserved), int64(r.captured),
			int64(r.refunded), r.ended, r.expires, r.seq); err != nil {
			return err
		}
	}
	if !b.tellsEvents {
		return nil
	}
	event := tx.StmtContext(ctx, b.event)
	defer event.Close()
	for _, e := range p.events {
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		for range 1 + count(p.twice[e.ID]) {
			if _, err := event.ExecContext(ctx, e.ID, string(body), p.now); err != nil {
				return err
			}
		}
	}
	return nil
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

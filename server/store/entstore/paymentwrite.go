package entstore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/ledgerentry"
	entpayment "github.com/orderprocessing/orderprocessing/ent/db/payment"
	"github.com/orderprocessing/orderprocessing/ent/db/paymentevent"
	"github.com/orderprocessing/orderprocessing/ent/db/paymentoperation"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
)

type paymentResult = coalesce.Result[payment.Record]

// ChangePayment shares its commit with the other changes of payments that come just now.
func (s *Store) ChangePayment(ctx context.Context, c store.PaymentChange) (payment.Record, error) {
	return s.payments.Do(ctx, c)
}

// flushPayments makes a batch of changes in one transaction. When that fails for a reason that may
// lie in one of them, each goes alone.
func (s *Store) flushPayments(ctx context.Context, batch []store.PaymentChange) []paymentResult {
	results, err := s.changePayments(ctx, batch)
	if err == nil {
		return results
	}
	results = make([]paymentResult, len(batch))
	for i := range batch {
		if len(batch) > 1 && fault.KindOf(err) != fault.KindUnavailable {
			results[i] = s.flushPayments(ctx, batch[i:i+1])[0]
			continue
		}
		results[i].Err = err
	}
	return results
}

func (s *Store) changePayments(ctx context.Context, batch []store.PaymentChange) (results []paymentResult, err error) {
	err = s.inTx(ctx, func(tx *db.Tx) error {
		b, err := s.lockPayments(ctx, tx, batch)
		if err != nil {
			return err
		}
		results = make([]paymentResult, len(batch))
		for i, c := range batch {
			results[i].Value, results[i].Err = b.change(c)
		}
		return b.write(ctx, tx)
	})
	return results, err
}

// paymentBatch is what a transaction works on: rows as they stand, and what became of them.
type paymentBatch struct {
	s          *Store
	payments   map[id.UUID]payment.Payment
	operations map[id.UUID]payment.Operation
	taken      map[[16]byte]bool // events

	changedPayments   map[id.UUID]bool
	changedOperations map[id.UUID]bool
	entries           []payment.Entry
	events            [][]cell
}

// lockPayments reads what the changes are about. Until the transaction ends nobody else changes it.
func (s *Store) lockPayments(ctx context.Context, tx *db.Tx, batch []store.PaymentChange) (*paymentBatch, error) {
	b := &paymentBatch{
		s: s, payments: map[id.UUID]payment.Payment{}, operations: map[id.UUID]payment.Operation{}, taken: map[[16]byte]bool{},
		changedPayments: map[id.UUID]bool{}, changedOperations: map[id.UUID]bool{},
	}
	var payments, operations, events []uuid.UUID
	for _, c := range batch {
		payments = append(payments, uuid.UUID(c.PaymentID.UUID))
		if !c.Operation.IsZero() {
			operations = append(operations, uuid.UUID(c.Operation.UUID))
		}
		if c.Event != (store.PaymentEvent{}) {
			events = append(events, c.Event.Key())
		}
	}
	rows, err := locked(s, tx.Payment.Query().Where(among(s, unique(payments))).Order(entpayment.ByID())).All(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		b.payments[id.UUID(row.ID)] = paymentFromRow(row)
	}
	if len(operations) > 0 {
		rows, err := tx.PaymentOperation.Query().Where(among(s, unique(operations))).All(ctx)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if _, ok := b.payments[id.UUID(row.PaymentID)]; !ok && slices.Contains(payments, row.PaymentID) {
				return nil, errLostRace // the payment was stored after it was looked for
			}
			b.operations[id.UUID(row.ID)] = operationFromRow(row)
		}
	}
	if len(events) > 0 {
		found, err := tx.PaymentEvent.Query().Where(among(s, unique(events))).IDs(ctx)
		if err != nil {
			return nil, err
		}
		for _, key := range found {
			b.taken[key] = true
		}
	}
	return b, nil
}

func unique(keys []uuid.UUID) []uuid.UUID {
	slices.SortFunc(keys, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(keys)
}

// change lets one request decide on what stands after those before it.
func (b *paymentBatch) change(c store.PaymentChange) (payment.Record, error) {
	current := payment.Record{Payment: b.payments[c.PaymentID.UUID], Operation: b.operations[c.Operation.UUID]}
	told := c.Event != (store.PaymentEvent{})
	if told && b.taken[c.Event.Key()] {
		return current, nil
	}
	decided, err := c.Decide(current)
	if err != nil {
		return current, err
	}
	if decided != nil {
		if err := b.take(c, current, *decided); err != nil {
			return current, err
		}
		current.Payment = decided.Payment
		if !decided.Operation.ID.IsZero() {
			current.Operation = decided.Operation
		}
	}
	if told {
		b.taken[c.Event.Key()] = true
		b.events = append(b.events, eventCells(c.Event, c.PaymentID, b.s.now().UTC().Truncate(time.Microsecond)))
	}
	return current, nil
}

func (b *paymentBatch) take(c store.PaymentChange, before payment.Record, d payment.Decision) error {
	operationID := d.Operation.ID.UUID
	switch {
	case d.Payment.ID != c.PaymentID, d.Payment.Version != before.Payment.Version+1:
		return fmt.Errorf("the decision on %s is about %s at version %d", c.PaymentID, d.Payment.ID, d.Payment.Version)
	case !operationID.IsZero() && (operationID != c.Operation.UUID || d.Operation.PaymentID != c.PaymentID):
		return fmt.Errorf("the decision on %s is about an operation of %s", c.PaymentID, d.Operation.PaymentID)
	case !d.Payment.State.Follows(before.Payment.State):
		return fmt.Errorf("the decision on %s leads from %s to %s", c.PaymentID, before.Payment.State, d.Payment.State)
	}
	b.payments[c.PaymentID.UUID] = d.Payment
	b.changedPayments[c.PaymentID.UUID] = true
	if !operationID.IsZero() {
		b.operations[operationID] = d.Operation
		b.changedOperations[operationID] = true
	}
	b.entries = append(b.entries, d.Entries...)
	return nil
}

// write stores what changed: one statement a table, rows by key.
func (b *paymentBatch) write(ctx context.Context, tx *db.Tx) error {
	var payments, operations, entries [][]cell
	for _, key := range slices.SortedFunc(maps.Keys(b.changedPayments), id.UUID.Compare) {
		payments = append(payments, paymentCells(b.payments[key]))
	}
	for _, key := range slices.SortedFunc(maps.Keys(b.changedOperations), id.UUID.Compare) {
		operations = append(operations, operationCells(b.operations[key]))
	}
	for _, e := range b.entries {
		entries = append(entries, entryCells(e))
	}
	if err := b.upsert(ctx, tx, entpayment.Table, payments, "payments.version < excluded.version"); err != nil {
		return err
	}
	if err := b.upsert(ctx, tx, paymentoperation.Table, operations, "payment_operations.state < 4"); err != nil {
		return err
	}
	if err := b.upsert(ctx, tx, ledgerentry.Table, entries, ""); err != nil {
		return err
	}
	return b.upsert(ctx, tx, paymentevent.Table, b.events, "")
}

// upsert inserts rows in one statement. A row that is there is overwritten if it meets the
// condition; without a condition, or when it does not meet it, another writer was first.
func (b *paymentBatch) upsert(ctx context.Context, tx *db.Tx, table string, rows [][]cell, condition string) error {
	if len(rows) == 0 {
		return nil
	}
	var query string
	var args []any
	if b.s.database.Dialect() == dialect.Postgres {
		query, args = insertArrays(table, rows)
	} else {
		query, args = insertValues(table, rows)
	}
	if condition != "" {
		var changes []string
		for _, c := range rows[0] {
			if !c.fixed {
				changes = append(changes, fmt.Sprintf(`"%s" = excluded."%s"`, c.column, c.column))
			}
		}
		query += ` ON CONFLICT ("id") DO UPDATE SET ` + strings.Join(changes, ", ") + " WHERE " + condition
	}
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n != int64(len(rows)) {
		return errLostRace
	}
	return err
}

// insertValues writes an insert with a parameter a cell.
func insertValues(table string, rows [][]cell) (query string, args []any) {
	var text strings.Builder
	fmt.Fprintf(&text, `INSERT INTO "%s" (%s) VALUES `, table, cellColumns(rows[0]))
	marks := "(?" + strings.Repeat(", ?", len(rows[0])-1) + ")"
	for i, row := range rows {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(marks)
		for _, c := range row {
			args = append(args, c.value)
		}
	}
	return text.String(), args
}

// insertArrays writes an insert with an array a column: the statement is the same for any number of
// rows, so Postgres parses and plans it once.
func insertArrays(table string, rows [][]cell) (query string, args []any) {
	var arrays []string
	for i := range rows[0] {
		array, kind := arrayOf(rows, i)
		args = append(args, array)
		arrays = append(arrays, fmt.Sprintf("$%d::%s[]", i+1, kind))
	}
	return fmt.Sprintf(`INSERT INTO "%s" (%s) SELECT * FROM unnest(%s)`, table, cellColumns(rows[0]), strings.Join(arrays, ", ")), args
}

func cellColumns(row []cell) string {
	names := make([]string, len(row))
	for i, c := range row {
		names[i] = `"` + c.column + `"`
	}
	return strings.Join(names, ", ")
}

// arrayOf gathers a column, and names what Postgres calls its type. Only times may be NULL.
func arrayOf(rows [][]cell, column int) (array any, kind string) {
	switch rows[0][column].value.(type) {
	case uuid.UUID:
		return gather(rows, column, uuid.UUID.String), "uuid"
	case string:
		return gather(rows, column, func(v string) string { return v }), "text"
	case bool:
		return gather(rows, column, func(v bool) bool { return v }), "boolean"
	case []byte:
		return gather(rows, column, func(v []byte) []byte { return v }), "bytea"
	case uint8:
		return gather(rows, column, func(v uint8) int16 { return int16(v) }), "smallint"
	case int16:
		return gather(rows, column, func(v int16) int16 { return v }), "smallint"
	case int:
		return gather(rows, column, func(v int) int64 { return int64(v) }), "bigint"
	case int64:
		return gather(rows, column, func(v int64) int64 { return v }), "bigint"
	}
	times := make([]*time.Time, len(rows))
	for i, row := range rows {
		if at, ok := row[column].value.(time.Time); ok {
			times[i] = &at
		}
	}
	return times, "timestamptz"
}

func gather[From, To any](rows [][]cell, column int, convert func(From) To) []To {
	values := make([]To, len(rows))
	for i, row := range rows {
		value, _ := row[column].value.(From) // a column has one type
		values[i] = convert(value)
	}
	return values
}

// among finds the rows with these ids, by a statement that is the same for any number of them
// where the database has words for that.
func among(s *Store, keys []uuid.UUID) func(*entsql.Selector) {
	return func(sel *entsql.Selector) {
		if s.database.Dialect() != dialect.Postgres {
			ids := make([]any, len(keys))
			for i, key := range keys {
				ids[i] = key
			}
			sel.Where(entsql.In(sel.C("id"), ids...))
			return
		}
		texts := make([]string, len(keys))
		for i, key := range keys {
			texts[i] = key.String()
		}
		sel.Where(entsql.P(func(b *entsql.Builder) {
			b.Ident(sel.C("id")).WriteString(" = ANY(").Arg(texts).WriteString("::uuid[])")
		}))
	}
}

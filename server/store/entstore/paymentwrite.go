package entstore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"

	"github.com/orderprocessing/orderprocessing/ent/db"
	entpayment "github.com/orderprocessing/orderprocessing/ent/db/payment"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/store"
	"github.com/orderprocessing/orderprocessing/server/store/coalesce"
)

type paymentResult = coalesce.Result[payment.Record]

// ChangePayment shares its commit with the other changes of payments that come just now.
func (s *Store) ChangePayment(ctx context.Context, c store.PaymentChange) (payment.Record, error) {
	return s.payments.Do(ctx, paymentChange{c, callerOf(ctx)})
}

// paymentChange is one call of ChangePayment.
type paymentChange struct {
	store.PaymentChange
	caller
}

func (s *Store) flushPayments(ctx context.Context, batch []paymentChange) []paymentResult {
	untold := func(c paymentChange) bool { return c.Untold } // a saga may follow, which ent's transaction starts
	if s.database.Dialect() == dialect.Postgres && !slices.ContainsFunc(batch, untold) {
		return together(ctx, batch, s.changePaymentsAtOnce)
	}
	return together(ctx, batch, s.changePayments)
}

func (s *Store) changePayments(ctx context.Context, batch []paymentChange) (results []paymentResult, err error) {
	err = s.inTxWaking(ctx, func(tx *db.Tx, w *wakes) error {
		b, err := s.lockPayments(ctx, tx, batch)
		if err != nil {
			return err
		}
		results = b.changeAll(batch, w)
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
	events            []paymentEventRow
}

func newPaymentBatch(s *Store) *paymentBatch {
	return &paymentBatch{
		s: s, payments: map[id.UUID]payment.Payment{}, operations: map[id.UUID]payment.Operation{}, taken: map[[16]byte]bool{},
		changedPayments: map[id.UUID]bool{}, changedOperations: map[id.UUID]bool{},
	}
}

// paymentKeys are the rows that changes are about, each once and in order.
type paymentKeys struct{ payments, operations, events []uuid.UUID }

func keysOfPayments(batch []paymentChange) (keys paymentKeys) {
	for _, c := range batch {
		keys.payments = append(keys.payments, uuid.UUID(c.PaymentID.UUID))
		if !c.Operation.IsZero() {
			keys.operations = append(keys.operations, uuid.UUID(c.Operation.UUID))
		}
		if c.Event != (store.PaymentEvent{}) {
			keys.events = append(keys.events, c.Event.Key())
		}
	}
	return paymentKeys{unique(keys.payments), unique(keys.operations), unique(keys.events)}
}

// lockPayments reads what the changes are about. Until the transaction ends nobody else changes it.
func (s *Store) lockPayments(ctx context.Context, tx *db.Tx, batch []paymentChange) (*paymentBatch, error) {
	b, keys := newPaymentBatch(s), keysOfPayments(batch)
	rows, err := locked(s, tx.Payment.Query().Where(among(s, keys.payments)).Order(entpayment.ByID())).All(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		b.payments[id.UUID(row.ID)] = paymentFromRow(row)
	}
	if len(keys.operations) > 0 {
		rows, err := tx.PaymentOperation.Query().Where(among(s, keys.operations)).All(ctx)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			b.operations[id.UUID(row.ID)] = operationFromRow(row)
		}
	}
	if len(keys.events) > 0 {
		found, err := tx.PaymentEvent.Query().Where(among(s, keys.events)).IDs(ctx)
		if err != nil {
			return nil, err
		}
		for _, key := range found {
			b.taken[key] = true
		}
	}
	return b, b.check(keys)
}

// check fails with errLostRace when a payment was stored after it was looked for, and before its
// operations were.
func (b *paymentBatch) check(keys paymentKeys) error {
	for _, o := range b.operations {
		_, known := b.payments[o.PaymentID.UUID]
		if _, asked := slices.BinarySearchFunc(keys.payments, o.PaymentID.UUID, func(key uuid.UUID, want id.UUID) int {
			return bytes.Compare(key[:], want[:])
		}); asked && !known {
			return errLostRace
		}
	}
	return nil
}

// changeAll lets each request decide on what stands after those before it, and gathers the sagas that follow.
func (b *paymentBatch) changeAll(batch []paymentChange, w *wakes) []paymentResult {
	results := make([]paymentResult, len(batch))
	for i, c := range batch {
		before := b.payments[c.PaymentID.UUID].Version
		results[i].Value, results[i].Err = b.change(c.PaymentChange)
		if p := results[i].Value.Payment; c.Untold && results[i].Err == nil && p.Version > before {
			w.of(c.caller)
			w.afterPayment(p)
		}
	}
	return results
}

// change lets one request decide.
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
		b.events = append(b.events, paymentEventRow{c.Event, c.PaymentID, b.s.now().UTC().Truncate(time.Microsecond)})
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

// write stores what changed.
func (b *paymentBatch) write(ctx context.Context, tx *db.Tx) error {
	return b.s.upsert(ctx, tx, b.tables()...)
}

// tables gives what changed, table by table and by key.
func (b *paymentBatch) tables() []inserts {
	return []inserts{
		into[payment.Payment]{payments, byKey(b.payments, b.changedPayments)},
		into[payment.Operation]{operations, byKey(b.operations, b.changedOperations)},
		into[payment.Entry]{ledger, b.entries},
		into[paymentEventRow]{paymentEvents, b.events},
	}
}

// byKey gives what changed of some rows, by key.
func byKey[T any](rows map[id.UUID]T, changed map[id.UUID]bool) []T {
	sorted := make([]T, 0, len(changed))
	for _, key := range slices.SortedFunc(maps.Keys(changed), id.UUID.Compare) {
		sorted = append(sorted, rows[key])
	}
	return sorted
}

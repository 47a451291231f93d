package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/ent/db/migrate"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// mark stands for what is personal.
const mark = "s3cretm4rk"

// personal is what cus_1 orders, with the mark wherever people write.
func personal() order.Details {
	d := details("cus_1")
	d.Note = mark
	d.ShipTo = order.Address{Name: mark, Street: mark, City: mark, Region: mark, PostalCode: mark, Country: mark}
	return d
}

func testErase(t *testing.T, b bench) {
	t.Run("nothing personal is left of a customer, and what is left is sound", func(t *testing.T) {
		s := b.new(t)
		first := placed("new", personal())
		o := create(t, s, first)
		change(t, s, o.ID, "hold", func(o order.Order) ([]order.Change, error) { return o.Hold(mark) })
		o = change(t, s, o.ID, "cancel", func(o order.Order) ([]order.Change, error) { return o.Cancel(mark) })
		o = change(t, s, o.ID, "undo", undoing)
		odd := assessment(o.ID, 7)
		odd.Reasons[0].Explanation = mark
		_, err := s.SaveAssessment(t.Context(), odd)
		require.NoError(t, err)
		back := changeReturn(t, s, asking(saleOf(t, s, line("A", 3)), "back", 1))
		back = changeReturn(t, s, moving(back, "reject", alone(func(r order.Return) (order.Return, error) { return r.Reject(mark) })))
		money := authorized(t, s, "cus_1")
		noted := wanting(money, payment.KindVoid, "void", 0)
		pay(t, s, noted)
		money = pay(t, s, heard(noted, paid)).Payment
		stranger := create(t, s, placed("new", details("cus_2")))
		require.Contains(t, s.dump(t), mark)

		erased, err := s.EraseCustomer(t.Context(), "cus_1")
		require.NoError(t, err)
		require.Equal(t, store.Erased{Orders: 2, Payments: 1, Returns: 1}, erased)
		left := s.dump(t)
		require.NotContains(t, left, mark)
		require.NotContains(t, left, "cus_1")
		require.NotContains(t, left, "why not", "the note of an operation")
		require.NotContains(t, left, "zu groß")

		got, err := s.Order(t.Context(), o.ID)
		require.NoError(t, err)
		requireStored(t, s, got)
		require.Equal(t, o.Version+1, got.Version)
		require.Equal(t, o.Lines, got.Lines)
		require.Equal(t, o.Lifecycle, got.Lifecycle)
		kept, err := s.Assessment(t.Context(), o.ID)
		require.NoError(t, err)
		require.Equal(t, 7, kept.Score)
		require.Equal(t, odd.Reasons[0].Rule, kept.Reasons[0].Rule)
		paidFor, err := s.Payment(t.Context(), money.ID)
		require.NoError(t, err)
		require.Equal(t, money.Version+1, paidFor.Version)
		requireBooked(t, s, paidFor)
		gone, err := s.Return(t.Context(), back.ID)
		require.NoError(t, err)
		require.Equal(t, back.Lines, gone.Lines)
		requireStored(t, s, stranger)

		again, err := s.CreateOrder(t.Context(), first)
		require.NoError(t, err)
		require.Equal(t, o.ID, again.ID, "the same request still has its answer")
		require.Empty(t, again.Note)
		erased, err = s.replica(t).EraseCustomer(t.Context(), "cus_1")
		require.NoError(t, err)
		require.Zero(t, erased)
	})
	t.Run("many orders are erased in turns", func(t *testing.T) {
		s := b.new(t)
		const many = 120
		for i := range many {
			takeNew(t, s, sold("cus_1", fmt.Sprint(i), i, line("A", 1)))
		}
		erased, err := s.EraseCustomer(t.Context(), "cus_1")
		require.NoError(t, err)
		require.Equal(t, many, erased.Orders)
		require.NotContains(t, s.dump(t), "cus_1")
	})
	t.Run("a customer with something on its way is left alone", func(t *testing.T) {
		s := b.new(t)
		create(t, s, placed("new", personal()))
		changeReturn(t, s, asking(saleOf(t, s, line("A", 3)), "back", 1))
		was := s.dump(t)
		_, err := s.EraseCustomer(t.Context(), "cus_1")
		requireReason(t, fault.ReasonCustomerOrdersOpen, err)
		require.ErrorContains(t, err, "1 orders and 1 returns")
		require.Equal(t, was, s.dump(t))
	})
}

// undoing ends an order that is being canceled.
func undoing(order.Order) ([]order.Change, error) {
	return []order.Change{order.Undone{Payment: order.PaymentNone}}, nil
}

// dump writes out all that is stored.
func (s subject) dump(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for _, url := range s.urls {
		d := open(t, url)
		for _, table := range migrate.Tables {
			fmt.Fprintln(&text, table.Name)
			rows, err := d.Read.QueryContext(t.Context(), "SELECT * FROM "+table.Name+" ORDER BY 1") //nolint:gosec // a name of ours
			require.NoError(t, err)
			columns, err := rows.Columns()
			require.NoError(t, err)
			cells := make([]any, len(columns))
			for rows.Next() {
				for i := range cells {
					cells[i] = new(any)
				}
				require.NoError(t, rows.Scan(cells...))
				for _, cell := range cells {
					fmt.Fprintf(&text, " %s", *cell.(*any))
				}
				fmt.Fprintln(&text)
			}
			require.NoError(t, rows.Err())
			require.NoError(t, rows.Close())
		}
		require.NoError(t, d.Close())
	}
	return text.String()
}

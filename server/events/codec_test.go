package events_test

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/events"
)

var update = flag.Bool("update", false, "write testdata anew; only for events that were never stored")

// changes gives one change of every kind, with every field set, by the name of its golden file.
func changes() map[string]order.Change {
	created := time.UnixMilli(1700000000123)
	returnID := order.ImportedReturnID(created, "cus_1", "shop", "C1")
	shipmentID := order.ShipmentID{UUID: order.ImportedID(created, "cus_1", "shop", "1").WithPart(2)}
	details := order.Details{
		CustomerID: "cus_1", Source: "shop", Number: "536365", Currency: "GBP", Shipping: 495, Note: "Grüße 🧶",
		Lines: []order.Line{
			{SKU: "85123A", Description: "WHITE HANGING HEART", Quantity: 6, UnitPrice: 255, Discount: 30},
			{SKU: "POST", Service: true, Quantity: 1, UnitPrice: 1<<63 - 1},
		},
		ShipTo: order.Address{Name: "Ada", Street: "1 Mill Lane\nflat 2", City: "Leeds", Region: "West Yorkshire", PostalCode: "LS1 1AA", Country: "GB"},
	}
	return map[string]order.Change{
		"drafted":          order.Drafted{Details: details},
		"placed":           order.Placed{Details: details, PaymentMethod: "tok_visa"},
		"edited":           order.Edited{Details: details},
		"cancel_requested": order.CancelRequested{Reason: "too late"},
		"canceled":         order.Undone{Payment: order.PaymentVoided},
		"confirmed":        order.Accepted{Payment: order.PaymentAuthorized},
		"action_required":  order.ActionAsked{Reason: "AUTHENTICATION_REQUIRED", URL: "https://bank.example/prove"},
		"held":             order.PutOnHold{Reason: "RISK_REVIEW"},
		"resumed":          order.Resumed{},
		"rejected":         order.Refused{Reason: "OUT_OF_STOCK", Payment: order.PaymentNone},
		"expired":          order.TimedOut{Payment: order.PaymentVoided},
		"payment_changed":  order.PaymentChanged{Payment: order.PaymentPartiallyRefunded},
		"shipment_created": order.ShipmentCreated{ShipmentID: shipmentID, Lines: []order.LineQuantity{{Position: 2, Quantity: 3}}},
		"shipment_moved": order.ShipmentMoved{
			ShipmentID: shipmentID, State: order.ShipmentShipped, Carrier: "Royal Mail", Tracking: "RM1", Amount: 1295, Final: true,
		},
		"amendment_asked": order.AmendmentAsked{Lines: details.Lines, Shipping: 495},
		"amended":         order.AmendmentApplied{},
		"amendment_ended": order.AmendmentEnded{Reason: "OUT_OF_STOCK"},
		"completed":       order.Finished{},
		"erased":          order.Erased{},
		"imported":        order.Imported{Details: details, Delivered: true},
		"returned": order.GoodsReturned{ReturnID: returnID, Lines: []order.LineQuantity{
			{Position: 1, Quantity: 2}, {Position: 1000, Quantity: 1_000_000},
		}},
		"placed_bare": order.Placed{Details: order.Details{Currency: "JPY", Lines: []order.Line{{SKU: "A", Quantity: 1}}}},
	}
}

func TestCodec(t *testing.T) {
	for name, c := range changes() {
		t.Run("what is stored of "+name+" reads back, and is the same bytes each time", func(t *testing.T) {
			first, err := events.Marshal(c)
			require.NoError(t, err)
			got, err := events.Unmarshal(first)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(c, got))
			for range 10 {
				again, err := events.Marshal(got)
				require.NoError(t, err)
				require.Equal(t, first, again)
			}
		})
		t.Run(name+" reads and writes as it was stored long ago", func(t *testing.T) {
			golden := filepath.Join("testdata", name+".hex")
			data, err := events.Marshal(c)
			require.NoError(t, err)
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(hex.Dump(data)), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), hex.Dump(data))
			stored := undump(t, string(want))
			got, err := events.Unmarshal(stored)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(c, got))
		})
	}
	t.Run("every kind of change has a golden file, and every golden file a kind", func(t *testing.T) {
		files, err := filepath.Glob("testdata/*.hex")
		require.NoError(t, err)
		require.Len(t, files, len(changes()))
	})
	t.Run("a kind that this version does not know is an error", func(t *testing.T) {
		for _, stored := range []string{"", "\xf2\x07\x00", "\x10\x01"} { // nothing, field 126, a sequence alone
			_, err := events.Unmarshal([]byte(stored))
			require.Error(t, err, "%x", stored)
		}
	})
	t.Run("what is no event is an error", func(t *testing.T) {
		for _, stored := range []string{"no event", "\x52\xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"} {
			_, err := events.Unmarshal([]byte(stored))
			require.Error(t, err, "%q", stored)
		}
	})
	t.Run("what cannot be stored is an error", func(t *testing.T) {
		_, err := events.Marshal(nil)
		require.Error(t, err)
		_, err = events.Marshal(order.CancelRequested{Reason: "\xff"})
		require.Error(t, err)
	})
	t.Run("callers see which order, which number and when", func(t *testing.T) {
		e := order.Event{
			OrderID: order.ID{UUID: id.Derived(time.UnixMilli(1700000000123), 7, "seed")}, Sequence: 3,
			Time: time.UnixMicro(1700000000123456).UTC(), Change: order.Undone{},
		}
		m := events.ToProto(e)
		require.Equal(t, e.OrderID.String(), m.GetOrderId())
		require.Equal(t, e.Sequence, m.GetSequence())
		require.Equal(t, e.Time, m.GetTime().AsTime())
		require.NotNil(t, m.GetCanceled())
	})
}

// FuzzUnmarshal makes sure that damaged events are errors, and that what reads can be stored.
func FuzzUnmarshal(f *testing.F) {
	for _, c := range changes() {
		data, err := events.Marshal(c)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := events.Unmarshal(data)
		if err != nil {
			return
		}
		again, err := events.Marshal(c)
		require.NoError(t, err)
		got, err := events.Unmarshal(again)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(c, got))
	})
}

// undump reads what hex.Dump wrote.
func undump(t *testing.T, dump string) (data []byte) {
	t.Helper()
	for line := range strings.Lines(dump) {
		digits, _, _ := strings.Cut(line, "|")
		for _, two := range strings.Fields(digits)[1:] {
			one, err := hex.DecodeString(two)
			require.NoError(t, err)
			data = append(data, one...)
		}
	}
	return data
}

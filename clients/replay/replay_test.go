package replay_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	"github.com/orderprocessing/orderprocessing/clients/importer"
	"github.com/orderprocessing/orderprocessing/clients/replay"
	inventoryv1 "github.com/orderprocessing/orderprocessing/gen/inventory/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

const testdata = "../importer/testdata"

var sampleDay = filepath.Join(testdata, "online-retail", "sample-2010-12-01.csv")

const header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"

// shop is who replays.
var shop = auth.Caller{ID: "key_shop", Roles: []auth.Role{auth.Staff, auth.Operator}}

func play(t *testing.T, s *servertest.Server, file string, opts replay.Options) (replay.Summary, error) {
	t.Helper()
	c, err := client.New(s.URL, client.WithToken(s.Token(shop)))
	require.NoError(t, err)
	defer c.Close()
	return replay.Run(t.Context(), c, func() (*importer.Reader, error) {
		return importer.Open([]string{file}, importer.ReadOptions{})
	}, opts)
}

func write(t *testing.T, rows ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop.csv")
	require.NoError(t, os.WriteFile(path, []byte(header+strings.Join(rows, "\n")+"\n"), 0o600))
	return path
}

// counted is a summary without what differs each time.
func counted(s replay.Summary) replay.Summary {
	s.Retries, s.Seconds, s.PerSecond, s.Create, s.Confirm = 0, 0, 0, replay.Latency{}, replay.Latency{}
	return s
}

func TestRun(t *testing.T) {
	s := servertest.Start(t)
	var told int
	summary, err := play(t, s, sampleDay, replay.Options{Run: "day", OnProgress: func(replay.Summary) { told++ }})
	require.NoError(t, err)

	t.Run("each order of a day is placed, confirmed, delivered and paid", func(t *testing.T) {
		require.True(t, summary.OK())
		require.True(t, summary.Complete)
		require.Equal(t, replay.Documents{Read: 143, Rejected: 1}, summary.Documents)
		require.Equal(t, replay.Orders{Placed: 136, Confirmed: 136, Delivered: 136}, summary.Orders)
		require.Equal(t, map[string]int64{"completed": 136}, summary.Ends)
		require.Equal(t, replay.Returns{Cancellations: 6, Unmatched: 5, Closed: 1}, summary.Returns)
		require.Equal(t, map[string]int64{importer.ReasonStockAdjustment: 1}, summary.Reasons)
		require.Equal(t, summary.Documents.Read, summary.Done())
		require.Positive(t, told)
		for _, latency := range []replay.Latency{summary.Create, summary.Confirm} {
			require.Positive(t, latency.P50)
			require.LessOrEqual(t, latency.P50, latency.P99)
			require.LessOrEqual(t, latency.P99, latency.Max)
		}
	})
	t.Run("some go in two parcels", func(t *testing.T) {
		parcels := map[int]int{}
		for _, o := range orders(t, s) {
			parcels[len(o.GetShipments())]++
		}
		require.Len(t, parcels, 2)
		require.Greater(t, parcels[2], 10)
	})
	t.Run("the same again changes nothing and counts the same", func(t *testing.T) {
		require.EventuallyWithT(t, func(c *assert.CollectT) { // the last thing that the return leads to
			require.True(c, slices.ContainsFunc(orders(t, s), func(o *ordersv1.Order) bool {
				return o.GetPaymentStatus() == ordersv1.PaymentStatus_PAYMENT_STATUS_PARTIALLY_REFUNDED
			}))
		}, time.Minute, 20*time.Millisecond)
		before, levels := orders(t, s), stock(t, s)
		again, err := play(t, s, sampleDay, replay.Options{Run: "day"})
		require.NoError(t, err)
		require.Equal(t, counted(summary), counted(again))
		after := orders(t, s)
		require.Len(t, after, len(before))
		for i, o := range after {
			require.Equal(t, before[i].GetEtag(), o.GetEtag())
		}
		require.Equal(t, levels, stock(t, s))
	})
}

func TestRun_GoesOn(t *testing.T) {
	s := servertest.Start(t)
	first, err := play(t, s, sampleDay, replay.Options{Run: "part", Limit: 10, Rate: 1000, Confirmed: true})
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"confirmed": first.Orders.Placed}, first.Ends)
	second, err := play(t, s, sampleDay, replay.Options{Run: "part", Limit: 20})
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"completed": second.Orders.Placed}, second.Ends)
	require.Greater(t, second.Orders.Placed, first.Orders.Placed)
	require.Len(t, orders(t, s), int(second.Orders.Placed))
}

func TestRun_Trouble(t *testing.T) {
	t.Run("what cannot be paid is counted with its reason", func(t *testing.T) {
		s := servertest.Start(t)
		summary, err := play(t, s, filepath.Join(testdata, "northwind"), replay.Options{
			Run: "methods", Limit: 9, PaymentMethods: []string{"tok_ok", "tok_declined", "tok_insufficient_funds"},
		})
		require.NoError(t, err)
		require.False(t, summary.OK(), "some wait for their customers")
		require.Equal(t, map[string]int64{"completed": 3, "rejected": 3, "action_required": 3}, summary.Ends)
		require.Equal(t, map[string]int64{"PAYMENT_DECLINED": 3, "INSUFFICIENT_FUNDS": 3}, summary.Reasons)
	})
	t.Run("what is held for a look at its risk is let go on", func(t *testing.T) {
		s := servertest.Start(t, func(cfg *config.Config) {
			cfg.Risk.NoteAt, cfg.Risk.HoldAt = cfg.Risk.Points.FirstOrder, cfg.Risk.Points.FirstOrder
		})
		summary, err := play(t, s, write(t, "536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom"), replay.Options{Run: "odd"})
		require.NoError(t, err)
		require.Equal(t, replay.Orders{Placed: 1, Held: 1, Confirmed: 1, Delivered: 1}, summary.Orders)
	})
	t.Run("what the server refuses is counted, and the rest goes on", func(t *testing.T) {
		s := servertest.Start(t)
		summary, err := play(t, s, write(t,
			"536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom",
			"536366,"+strings.Repeat("S", 65)+",HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom",
			"536367,POST,POSTAGE,1,2010-12-01 08:26:00,18,17850.0,United Kingdom",
		), replay.Options{Run: "bad"})
		require.NoError(t, err)
		require.Equal(t, replay.Documents{Read: 3, Rejected: 1}, summary.Documents)
		require.Equal(t, map[string]int64{"completed": 2}, summary.Ends)
		require.Equal(t, map[string]int64{"INVALID_REQUEST": 2}, summary.Reasons, "its product and its order")
		require.False(t, summary.OK())
	})
	t.Run("a replay that is told to stop says how far it came", func(t *testing.T) {
		s := servertest.Start(t)
		c, err := client.New(s.URL, client.WithToken(s.Token(shop)))
		require.NoError(t, err)
		defer c.Close()
		ctx, stop := context.WithCancel(t.Context())
		summary, err := replay.Run(ctx, c, func() (*importer.Reader, error) {
			return importer.Open([]string{sampleDay}, importer.ReadOptions{})
		}, replay.Options{Run: "stopped", Concurrency: 1, OnProgress: func(s replay.Summary) {
			if s.Orders.Placed > 1 {
				stop()
			}
		}})
		require.ErrorIs(t, err, context.Canceled)
		require.False(t, summary.Complete)
		require.Greater(t, summary.Orders.Placed, int64(1))
		require.Less(t, summary.Done(), summary.Documents.Read)
	})
}

// orders gives every order, oldest first.
func orders(t *testing.T, s *servertest.Server) []*ordersv1.Order {
	t.Helper()
	page, err := s.Orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{PageSize: 500, OrderBy: ordersv1.OrderBy_ORDER_BY_CREATE_TIME_ASC})
	require.NoError(t, err)
	require.Empty(t, page.GetNextPageToken())
	return page.GetOrders()
}

// stock gives on hand and held of some products.
func stock(t *testing.T, s *servertest.Server) (levels [][]int64) {
	t.Helper()
	page, err := s.Inventory.ListProducts(t.Context(), &inventoryv1.ListProductsRequest{PageSize: 50})
	require.NoError(t, err)
	for _, p := range page.GetProducts() {
		level, err := s.Inventory.GetStock(t.Context(), &inventoryv1.GetStockRequest{Sku: p.GetSku()})
		require.NoError(t, err)
		levels = append(levels, []int64{level.GetLevel().GetOnHand(), level.GetLevel().GetHeld()})
	}
	return levels
}

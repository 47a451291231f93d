package server_test

import (
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/servertest"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// enable sets a flag as it says, or kills it.
func enable(t *testing.T, s *servertest.Server, key string, enabled bool) {
	t.Helper()
	_, err := s.Operations.SetFlag(t.Context(), &operationsv1.SetFlagRequest{Key: key, Enabled: &enabled})
	require.NoError(t, err)
}

// amend asks for another quantity of an order's one line, and gives the reason when that is refused.
func amend(t *testing.T, s *servertest.Server, o *ordersv1.Order, quantity int64) string {
	t.Helper()
	o.Lines[0].Quantity, o.Etag = quantity, ""
	_, err := s.Orders.UpdateOrder(t.Context(), &ordersv1.UpdateOrderRequest{
		Order: o, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"lines"}}, RequestId: fmt.Sprint("amend-", quantity),
	})
	return client.Reason(err)
}

func TestFlags_TwoServers(t *testing.T) {
	home, shard := config.DatabaseURL(pgtest.URL(t)), config.DatabaseURL(pgtest.URL(t))
	shared := func(cfg *config.Config) { cfg.Store.Home, cfg.Store.Shards = home, []config.DatabaseURL{shard} }
	one, other := servertest.Start(t, shared), servertest.Start(t, shared)
	stocked(t, one, "lamp", 1000, 0)
	var all []*ordersv1.Order // one for each try: an order that is being changed says so
	for i := range 50 {
		asked := buying("lamp")
		asked.RequestId = fmt.Sprint("order-", i)
		created, err := one.Orders.CreateOrder(t.Context(), asked)
		require.NoError(t, err)
		all = append(all, created.GetOrder())
	}
	for _, o := range all {
		untilConfirmed(t, one, o.GetId())
	}
	next := func() (o *ordersv1.Order) { o, all = all[0], all[1:]; return o }

	enable(t, one, "order-amendments", false)
	killed := time.Now()
	require.Equal(t, "AMENDMENTS_OFF", amend(t, one, next(), 2), "at once in the process that set it")
	require.Eventually(t, func() bool { return amend(t, other, next(), 2) == "AMENDMENTS_OFF" }, 2*time.Second, 50*time.Millisecond)
	t.Logf("the other server went by it after %s", time.Since(killed))
	enable(t, other, "order-amendments", true)
	require.Empty(t, amend(t, other, next(), 2))
}

func TestFlags(t *testing.T) {
	s := servertest.Start(t)
	t.Run("the risk mode is shared out by customer, and the kill switch lets orders go on", func(t *testing.T) {
		stocked(t, s, "gem", 10, 0)
		place := func(request string) *ordersv1.Order {
			res, err := s.Orders.CreateOrder(t.Context(), &ordersv1.CreateOrderRequest{
				RequestId: request, PaymentMethod: "tok_ok",
				Order: &ordersv1.Order{CurrencyCode: "GBP", Lines: []*ordersv1.Line{{Sku: "gem", Quantity: 1, UnitPriceMinor: 1_000_000}}},
			})
			require.NoError(t, err)
			return res.GetOrder()
		}
		until := func(o *ordersv1.Order, lifecycle ordersv1.Lifecycle) {
			require.EventuallyWithT(t, func(c *assert.CollectT) {
				res, err := s.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: o.GetId()})
				require.NoError(c, err)
				require.Equal(c, lifecycle, res.GetOrder().GetLifecycle())
			}, 30*time.Second, 20*time.Millisecond)
		}
		until(place("held"), ordersv1.Lifecycle_LIFECYCLE_ON_HOLD)
		enable(t, s, "risk-mode", false)
		until(place("noted"), ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
		_, err := s.Operations.SetFlag(t.Context(), &operationsv1.SetFlagRequest{
			Key: "risk-mode", Enabled: new(true), Rollout: &operationsv1.FlagRollout{Percent: map[string]int32{"off": 100}},
		})
		require.NoError(t, err)
		until(place("passed"), ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
	})
	t.Run("without copies every read asks the database", func(t *testing.T) {
		o := create(t, s, &ordersv1.CreateOrderRequest{Order: cart("cus_1"), RequestId: "1", Draft: true})
		enable(t, s, "cached-reads", false)
		before := misses(t, s)
		res, err := s.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: o.GetId()})
		require.NoError(t, err)
		require.Equal(t, o.GetId(), res.GetOrder().GetId())
		require.Equal(t, before, misses(t, s))
		enable(t, s, "cached-reads", true)
	})
	t.Run("staff see flags, and do not set them", func(t *testing.T) {
		staff := s.As(auth.Caller{ID: "usr_1", Roles: []auth.Role{auth.Staff}})
		res, err := staff.Operations.ListFlags(t.Context(), &operationsv1.ListFlagsRequest{})
		require.NoError(t, err)
		require.Len(t, res.GetFlags(), 3)
		_, err = staff.Operations.SetFlag(t.Context(), &operationsv1.SetFlagRequest{Key: "risk-mode", Enabled: new(false)})
		require.Equal(t, connect.CodePermissionDenied, connect.CodeOf(err))
	})
	t.Run("how fresh what is known is, and what flags were found to be, is measured", func(t *testing.T) {
		families := scrape(t, s)
		require.Less(t, families["orderprocessing_flags_age_seconds"].GetMetric()[0].GetGauge().GetValue(), 5.0)
		require.NotEmpty(t, families["orderprocessing_flag_evaluations_total"].GetMetric())
	})
}

package server_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/servertest"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// misses tells how many reads of copies found none in this process.
func misses(t *testing.T, s *servertest.Server) string {
	t.Helper()
	res, err := http.Get(s.OpsURL + "/metrics")
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, telemetry.MetricCacheReads+`{layer="memory",outcome="miss"} `); ok {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatal("nothing is counted")
	return ""
}

// getOrder reads an order by HTTP GET, as a browser does that has what it got with the ETag.
func getOrder(t *testing.T, s *servertest.Server, orderID, etag string) *http.Response {
	t.Helper()
	query := url.Values{"encoding": {"json"}, "connect": {"v1"}, "message": {`{"orderId":"` + orderID + `"}`}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		s.URL+ordersv1connect.OrderServiceGetOrderProcedure+"?"+query.Encode(), nil)
	require.NoError(t, err)
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	res, err := s.HTTP.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	return res
}

func TestCopies(t *testing.T) {
	s := servertest.Start(t)
	o := create(t, s, &ordersv1.CreateOrderRequest{Order: cart("cus_1"), RequestId: "1", Draft: true})
	t.Run("who has the answer is told so without asking the database, until the order changes", func(t *testing.T) {
		first := getOrder(t, s, o.GetId(), "")
		require.Equal(t, http.StatusOK, first.StatusCode)
		etag, before := first.Header.Get("Etag"), misses(t, s)
		for range 3 {
			again := getOrder(t, s, o.GetId(), etag)
			require.Equal(t, http.StatusNotModified, again.StatusCode)
			require.Equal(t, etag, again.Header.Get("Etag"))
		}
		require.Equal(t, before, misses(t, s))
		edited := &ordersv1.Order{Id: o.GetId(), Note: "ring twice"}
		_, err := s.Orders.UpdateOrder(t.Context(), &ordersv1.UpdateOrderRequest{
			Order: edited, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"note"}}, RequestId: "2",
		})
		require.NoError(t, err)
		changed := getOrder(t, s, o.GetId(), etag)
		require.Equal(t, http.StatusOK, changed.StatusCode)
		require.NotEqual(t, etag, changed.Header.Get("Etag"))
		require.Equal(t, before, misses(t, s), "the change has replaced the copy")
	})
	t.Run("a copy is its owner's alone", func(t *testing.T) {
		caller := func(id string) auth.Caller {
			return auth.Caller{ID: id, CustomerID: id, Roles: []auth.Role{auth.Customer}}
		}
		req := &ordersv1.GetOrderRequest{OrderId: o.GetId()}
		_, err := s.As(caller("cus_1")).Orders.GetOrder(t.Context(), req)
		require.NoError(t, err)
		_, err = s.As(caller("cus_2")).Orders.GetOrder(t.Context(), req)
		require.Equal(t, fault.ReasonOrderNotFound, reasonOf(t, err))
		list, err := s.As(caller("cus_2")).Orders.ListOrders(t.Context(), &ordersv1.ListOrdersRequest{})
		require.NoError(t, err)
		require.Empty(t, list.GetOrders())
	})
}

func TestCopies_none(t *testing.T) {
	s := servertest.Start(t, func(c *config.Config) { c.Cache.MemoryBytes = 0 })
	o := create(t, s, &ordersv1.CreateOrderRequest{Order: cart("cus_1"), RequestId: "1"})
	for range 2 {
		got, err := s.Orders.GetOrder(t.Context(), &ordersv1.GetOrderRequest{OrderId: o.GetId()})
		require.NoError(t, err)
		require.Equal(t, o.GetId(), got.GetOrder().GetId())
	}
}

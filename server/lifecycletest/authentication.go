package lifecycletest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/server/servertest"
)

// Authentication holds a server whose bank has a page for its customers to what follows from their
// answers there.
func Authentication(t *testing.T, s *servertest.Server) {
	t.Helper()
	for name, test := range map[string]func(*shop){
		"an order goes on when its customer has proved who they are":   proved,
		"an order is rejected whose customer did not":                  notProved,
		"who proves it after the order was canceled has paid nothing":  provedTooLate,
		"who proves it for what the order was before has paid nothing": provedForBefore,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&shop{Server: s, t: t, patience: Patience, prefix: t.Name()})
		})
	}
}

func proved(s *shop) {
	sku := s.sku(1)
	orderID, page := s.proving(sku)
	s.answer(page, "succeed")
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
	require.Equal(s.t, int64(1000), s.authorized(orderID))
	require.Empty(s.t, s.order(orderID).GetActionUrl())
	s.requireStock(sku, 1, 1)
}

func notProved(s *shop) {
	sku := s.sku(1)
	orderID, page := s.proving(sku)
	s.answer(page, "fail")
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_REJECTED)
	require.Equal(s.t, "PAYMENT_DECLINED", o.GetStatusReason())
	s.requireStock(sku, 1, 0)
}

func provedTooLate(s *shop) {
	sku := s.sku(1)
	orderID, page := s.proving(sku)
	s.cancel(orderID)
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CANCELED)
	s.answer(page, "succeed")
	require.Zero(s.t, s.authorized(orderID))
	s.requireStock(sku, 1, 0)
}

func provedForBefore(s *shop) {
	sku := s.sku(2)
	orderID, page := s.proving(sku)
	s.edit(orderID, line(sku, 2))
	s.answer(page, "succeed")
	s.placeAgain(orderID, "tok_ok")
	s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_CONFIRMED)
	require.Equal(s.t, int64(2000), s.authorized(orderID))
	s.requireStock(sku, 2, 2)
}

// proving gives an order that waits for its customer, and the page where they prove who they are.
func (s *shop) proving(sku string) (orderID, page string) {
	s.t.Helper()
	orderID = s.place("tok_authentication_required", line(sku, 1))
	o := s.reaches(orderID, ordersv1.Lifecycle_LIFECYCLE_ACTION_REQUIRED)
	return orderID, o.GetActionUrl()
}

// answer is what the customer answers at the bank.
func (s *shop) answer(page, outcome string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, page, strings.NewReader(url.Values{"outcome": {outcome}}.Encode()))
	require.NoError(s.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	require.NoError(s.t, res.Body.Close())
	require.Equal(s.t, http.StatusOK, res.StatusCode)
}

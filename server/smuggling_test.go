package server

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSmuggling sends requests that two servers behind one another could read differently. Each must
// be refused, or read in the one way that is safe, and never become two.
func TestSmuggling(t *testing.T) {
	orders := newSlowOrders()
	close(orders.release)
	r := start(t, orders, nil)
	const path = "POST /orders.v1.OrderService/GetOrder HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
	const body = `{"orderId":"` + testOrderID + `"}`
	const hidden = "POST /orders.v1.OrderService/GetOrder HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 44\r\n\r\n" + body
	require.Len(t, body, 44)
	for name, request := range map[string]string{
		"a length and chunks":               path + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"two lengths that differ":           path + "Content-Length: 44\r\nContent-Length: 5\r\n\r\n" + body + hidden,
		"two lengths in one line":           path + "Content-Length: 44, 5\r\n\r\n" + body + hidden,
		"a length with a sign":              path + "Content-Length: +44\r\n\r\n" + body + hidden,
		"a negative length":                 path + "Content-Length: -1\r\n\r\n" + hidden,
		"an unknown coding":                 path + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunks twice":                      path + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"chunks and identity":               path + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden,
		"a space before the colon":          path + "Content-Length : 44\r\n\r\n" + body + hidden,
		"a NUL in a header":                 path + "X: a\x00b\r\nContent-Length: 44\r\n\r\n" + body + hidden,
		"a bare return in a header":         path + "X: a\rContent-Length: 5\r\nContent-Length: 44\r\n\r\n" + body + hidden,
		"a chunk whose size is no number":   path + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + hidden,
		"a chunk whose size overflows":      path + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff1\r\n" + hidden,
		"two hosts":                         "POST /x HTTP/1.1\r\nHost: shop\r\nHost: other\r\nContent-Length: 0\r\n\r\n",
		"no host":                           "POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
		"a request line with a bare return": "POST /x\rGET /y HTTP/1.1\r\nHost: shop\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			statuses := exchangeRaw(t, r, request)
			require.Len(t, statuses, 1, "%v", statuses)
			require.GreaterOrEqual(t, statuses[0], 400)
			require.Less(t, statuses[0], 600)
			require.Empty(t, orders.reached, "a call got through")
		})
	}
	t.Run("a header on two lines is one header", func(t *testing.T) { // obs-fold
		statuses := exchangeRaw(t, r, path+"X: a\r\n b\r\nContent-Length: 44\r\nConnection: close\r\n\r\n"+body)
		require.Equal(t, []int{http.StatusOK}, statuses)
		<-orders.reached
	})
	t.Run("what is plain gets through, one answer for each", func(t *testing.T) {
		plain := path + "Content-Length: 44\r\n\r\n" + body
		last := path + "Content-Length: 44\r\nConnection: close\r\n\r\n" + body
		require.Equal(t, []int{http.StatusOK, http.StatusOK}, exchangeRaw(t, r, plain+last))
		<-orders.reached
		<-orders.reached
	})
}

// exchangeRaw writes bytes and gives the status of each answer till the server closes.
func exchangeRaw(t *testing.T, r *running, request string) (statuses []int) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(r.url, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, _ = io.WriteString(conn, request) // the server may have closed already
	reader := bufio.NewReader(conn)
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			require.NotErrorIs(t, err, net.ErrClosed)
			return statuses
		}
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		statuses = append(statuses, response.StatusCode)
		if response.StatusCode >= 400 || response.Close {
			_, err := reader.ReadByte()
			require.Error(t, err, "the connection goes on after a refusal")
			return statuses
		}
	}
}

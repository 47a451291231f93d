package importer_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/clients/importer"
	"github.com/orderprocessing/orderprocessing/clients/importer/importertest"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
)

const sample = "testdata/online-retail/sample-2010-12-01.csv"

// options make pauses short; their rejects file stands in a folder of the test.
func options(t *testing.T) importer.Options {
	t.Helper()
	return importer.Options{RejectsPath: filepath.Join(t.TempDir(), "rejects.csv"),
		RetryBase: time.Millisecond, RetryCeiling: time.Millisecond}
}

// run imports files.
func run(t *testing.T, client ordersv1connect.OrderServiceClient, opts importer.Options, paths ...string) (importer.Summary, error) {
	t.Helper()
	docs, err := importer.Open(paths, importer.ReadOptions{})
	require.NoError(t, err)
	defer docs.Close()
	return importer.Run(t.Context(), client, docs, opts)
}

func TestRun(t *testing.T) {
	t.Run("the sample day is created, and unchanged the next time", func(t *testing.T) {
		server := importertest.New()
		client := server.Client(t)
		first, err := run(t, client, options(t), sample)
		require.NoError(t, err)
		require.True(t, first.Complete)
		require.Equal(t, importer.Counts{Read: 143, Created: 142, Rejected: 1}, first.Total)
		require.Equal(t, importer.Counts{Read: 127, Created: 127}, *first.Documents[importer.KindOrder])
		require.Equal(t, importer.Counts{Read: 6, Created: 6}, *first.Documents[importer.KindCancellation])
		require.EqualValues(t, []int64{3108, 1, 3107}, []int64{first.RowsRead, first.RowsRejected, first.LinesStored})
		require.Equal(t, map[string]int64{importer.ReasonStockAdjustment: 1}, first.Reasons)

		again, err := run(t, client, options(t), sample)
		require.NoError(t, err)
		require.Equal(t, importer.Counts{Read: 143, Unchanged: 142, Rejected: 1}, again.Total)
		require.Len(t, server.Documents(t), 142)
	})
	t.Run("batches stay within their limits, and arrive in file order", func(t *testing.T) {
		server := importertest.New()
		summary, err := run(t, server.Client(t), options(t), "testdata/northwind", sample)
		require.NoError(t, err)
		require.EqualValues(t, 830+142, summary.Total.Created)
		count, largest := server.Batches()
		require.Equal(t, 5+1, count)
		require.LessOrEqual(t, largest, importer.MaxBatchBytes+4096)
		documents := server.Documents(t)
		require.Equal(t, "10248", documents[0].GetOrder().Order.Number)
		require.Equal(t, "536365", documents[830].GetOrder().Order.Number)
	})
	t.Run("progress ends with everything", func(t *testing.T) {
		opts := options(t)
		var last importer.Progress
		opts.OnProgress = func(p importer.Progress) {
			require.GreaterOrEqual(t, p.Documents, last.Documents)
			require.GreaterOrEqual(t, p.BytesRead, last.BytesRead)
			last = p
		}
		_, err := run(t, importertest.New().Client(t), opts, "testdata/northwind", sample)
		require.NoError(t, err)
		require.Equal(t, importer.Progress{Documents: 973, Rows: 3108 + 830 + 2155, BytesRead: last.BytesTotal,
			BytesTotal: 275001 + 98600 + 40622}, last)
	})
}

func TestRun_Retries(t *testing.T) {
	lost := connect.NewError(connect.CodeUnavailable, errors.New("draining"))
	imports := func(t *testing.T, server *importertest.Server) importer.Summary {
		t.Helper()
		summary, err := run(t, server.Client(t), options(t), "testdata/northwind", sample)
		require.NoError(t, err)
		require.EqualValues(t, 973, summary.Total.Read)
		require.EqualValues(t, 972, summary.Total.Created+summary.Total.Unchanged)
		require.Len(t, server.Documents(t), 972)
		require.Positive(t, summary.Retries)
		return summary
	}
	t.Run("a server that drains is tried again", func(t *testing.T) {
		server := importertest.New()
		server.Before = func(batch int) error {
			if batch%2 == 0 {
				return lost
			}
			return nil
		}
		require.Zero(t, imports(t, server).Total.Unchanged)
	})
	t.Run("what was stored and not answered is sent again, and unchanged", func(t *testing.T) {
		server := importertest.New()
		server.After = func(batch int) error {
			if batch%3 == 0 {
				return lost
			}
			return nil
		}
		require.Positive(t, imports(t, server).Total.Unchanged)
	})
	t.Run("a connection that is cut is opened again", func(t *testing.T) {
		server := importertest.New()
		server.After = cutAt(server, 2, 5)
		imports(t, server)
	})
	t.Run("a server that stays away ends the import with what was read", func(t *testing.T) {
		server := importertest.New()
		server.Before = func(int) error { return lost }
		opts := options(t)
		opts.RetryFor = time.Nanosecond
		summary, err := run(t, server.Client(t), opts, sample)
		require.Equal(t, connect.CodeUnavailable, connect.CodeOf(err))
		require.False(t, summary.Complete)
		require.Zero(t, summary.Total.Created)
	})
	t.Run("what the server refuses for good is not tried again", func(t *testing.T) {
		server := importertest.New()
		server.Before = func(int) error { return connect.NewError(connect.CodePermissionDenied, errors.New("no")) }
		summary, err := run(t, server.Client(t), options(t), sample)
		require.Equal(t, connect.CodePermissionDenied, connect.CodeOf(err))
		require.Zero(t, summary.Retries)
	})
	t.Run("a context that ends, ends the import", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		server := importertest.New()
		server.After = func(int) error { cancel(); return nil }
		docs, err := importer.Open([]string{"testdata/northwind"}, importer.ReadOptions{})
		require.NoError(t, err)
		defer docs.Close()
		_, err = importer.Run(ctx, server.Client(t), docs, options(t))
		require.Equal(t, connect.CodeCanceled, connect.CodeOf(err))
	})
}

// cutAt cuts all connections when a batch was stored, before its answer is sent.
func cutAt(server *importertest.Server, batches ...int) func(int) error {
	var cut atomic.Int32
	return func(batch int) error {
		if n := int(cut.Load()); n < len(batches) && batch >= batches[n] {
			cut.Add(1)
			server.Cut()
		}
		return nil
	}
}

func TestRun_BrokenContract(t *testing.T) {
	for name, response := range map[string]*ordersv1.ImportOrdersResponse{
		"too few outcomes":            {},
		"an outcome without a result": {Outcomes: make([]*ordersv1.ImportOutcome, 142)},
	} {
		t.Run(name+" end the import", func(t *testing.T) {
			for i := range response.Outcomes {
				response.Outcomes[i] = &ordersv1.ImportOutcome{}
			}
			server := importertest.New()
			server.Answer = func(*ordersv1.ImportOrdersResponse) *ordersv1.ImportOrdersResponse { return response }
			summary, err := run(t, server.Client(t), options(t), sample)
			require.ErrorContains(t, err, "broke the contract")
			require.Zero(t, summary.Total.Created)
			require.Zero(t, summary.Retries)
		})
	}
}

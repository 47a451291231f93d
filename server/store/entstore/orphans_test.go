//go:build !race

package entstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/store/entstore"
	"github.com/orderprocessing/orderprocessing/server/store/storetest"
)

func TestAudit(t *testing.T) {
	t.Run("more orphans than are read at once are all seen", func(t *testing.T) {
		d := openDatabase(t, storetest.SQLite(1)(t)[0])
		fill(t, d, "testdata/load_sqlite.sql")
		_, err := d.Write.ExecContext(t.Context(), "DELETE FROM orders WHERE lifecycle = 6") // the first 90,000
		require.NoError(t, err)
		s := entstore.New(d, entstore.Options{Now: time.Now})
		defer func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) }()
		var last id.UUID
		for _, page := range []struct{ limit, want int }{{1, 1}, {80_000, 80_000}, {80_000, 19_999}, {1, 0}} {
			seen, err := s.Audit(t.Context(), last, page.limit)
			require.NoError(t, err)
			require.Len(t, seen, page.want)
			for _, a := range seen {
				require.Positive(t, a.Key().Compare(last))
				last = a.Key()
			}
		}
	})
}

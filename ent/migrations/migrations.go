// Package migrations holds the versioned SQL that makes and changes the tables, one folder a
// dialect. Files are written by `make migrate-new` and never changed once released.
package migrations

import "embed"

// Files has the folders postgres and sqlite.
//
//go:embed postgres sqlite
var Files embed.FS

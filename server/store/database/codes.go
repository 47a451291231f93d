package database

import "modernc.org/sqlite/lib"

// states gives the class of an SQLSTATE where its first two characters don't.
var states = map[string]Class{
	"23505": Unique,
	"23P01": Unique, // exclusion
	"23503": ForeignKey,
	"23001": ForeignKey, // restrict
	"23514": Check,
	"23502": Check, // not null
	"40001": Conflict,
	"40P01": Deadlock,
	"55P03": Busy,
	"57014": Canceled,
	"25P03": Unavailable, // idle in a transaction for too long
	"25006": Unavailable, // read-only: this was the primary a moment ago
	"57P01": Unavailable, // stopping
	"57P02": Unavailable, // crashed
	"57P03": Unavailable, // starting
	"57P05": Unavailable, // idle for too long
	"53100": DiskFull,
}

// stateFamilies gives the class by the first two characters of an SQLSTATE.
var stateFamilies = map[string]Class{
	"08": Unavailable, // connection
	"53": Unavailable, // too many connections, out of memory
}

func classifyState(code string) Class {
	if class, known := states[code]; known {
		return class
	}
	if len(code) != 5 {
		return Other
	}
	return stateFamilies[code[:2]]
}

func classifySQLite(code int) Class {
	switch code { // extended
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return Unique
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return ForeignKey
	case sqlite3.SQLITE_CONSTRAINT_CHECK, sqlite3.SQLITE_CONSTRAINT_NOTNULL:
		return Check
	case sqlite3.SQLITE_BUSY_SNAPSHOT:
		return Conflict
	}
	switch code & 0xff { // primary
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return Busy
	case sqlite3.SQLITE_INTERRUPT:
		return Canceled
	case sqlite3.SQLITE_FULL:
		return DiskFull
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR:
		return Unavailable
	}
	return Other
}

package importer

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// cells reads the fields of the row that was read last, and keeps the first problem.
type cells struct {
	table   *table
	row     Row
	problem *Problem
}

func (c *cells) fail(column int, reason, format string, args ...any) {
	if c.problem != nil {
		return
	}
	line, at := c.table.csv.FieldPos(column)
	c.problem = problemf(reason, "%s:%d:%d: %s %s", c.table.name, line, at,
		c.table.header[column], fmt.Sprintf(format, args...))
}

// text gives a field that may hold anything but NUL and invalid UTF-8.
func (c *cells) text(column int) string {
	text := c.row.Fields[column]
	if !utf8.ValidString(text) {
		c.fail(column, ReasonInvalidText, "is not valid UTF-8")
	} else if strings.IndexByte(text, 0) >= 0 {
		c.fail(column, ReasonInvalidText, "holds a NUL")
	}
	return text
}

// whole gives a whole number.
func (c *cells) whole(column int, reason string) int64 {
	n, err := strconv.ParseInt(c.row.Fields[column], 10, 64)
	if err != nil || n == -n && n != 0 {
		c.fail(column, reason, "%.40q is not a whole number of 64 bits", c.row.Fields[column])
	}
	return n
}

// decimal gives an exact decimal.
func (c *cells) decimal(column int, reason string) Decimal {
	d, err := ParseDecimal(c.row.Fields[column])
	if err != nil {
		c.fail(column, reason, "%.40q is %v", c.row.Fields[column], err)
	}
	return d
}

// time gives a time in a zone, as UTC.
func (c *cells) time(column int, layout string, zone *time.Location) time.Time {
	t, err := time.ParseInLocation(layout, c.row.Fields[column], zone)
	if err != nil {
		c.fail(column, ReasonInvalidTime, "%.40q is not a time like %s", c.row.Fields[column], layout)
	}
	return t.UTC()
}

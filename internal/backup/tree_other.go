//go:build !linux

package backup

import "io/fs"

// identify knows no stamps here: every file is read each time.
func identify(fs.FileInfo) (stamp Stamp, single bool) { return Stamp{}, true }

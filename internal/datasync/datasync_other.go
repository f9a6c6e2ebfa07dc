//go:build !linux

package datasync

import "os"

func sync(file *os.File) error { return file.Sync() }

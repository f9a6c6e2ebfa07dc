package localpg

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const passwordFile = "password"

// loadPassword returns the kept superuser password, or a new one and false. rand.Text has letters
// and digits only, which need no quoting anywhere.
func loadPassword(dataDir string) (password string, known bool, err error) {
	text, err := os.ReadFile(filepath.Join(dataDir, passwordFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("read the superuser's password: %w", err)
	}
	if password = strings.TrimSpace(string(text)); password != "" {
		return password, true, nil
	}
	return rand.Text(), false, nil
}

func savePassword(dataDir, password string) error {
	if err := writeFile(filepath.Join(dataDir, passwordFile), password+"\n"); err != nil {
		return fmt.Errorf("keep the superuser's password: %w", err)
	}
	return nil
}

// resetPassword sets the superuser's password in a cluster that is not running. The single-user
// mode asks for none.
func resetPassword(ctx context.Context, b binaries, as account, cluster, password string) error {
	var out strings.Builder
	cmd := b.command(ctx, "postgres", "--single", "-D", cluster, "-c", "exit_on_error=on", "postgres")
	cmd.Stdin = strings.NewReader("ALTER ROLE " + Superuser + " PASSWORD '" + password + "';\n")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := run(cmd, as); err != nil {
		return fmt.Errorf("set a new superuser password: %w\n%s", err, lastLines(out.String(), 5))
	}
	return nil
}

// writeFile writes a file for this user only, whole or not at all.
func writeFile(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

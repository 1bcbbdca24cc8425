package embedded

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// cacheDirEnv names a folder to use instead of the user's cache folder.
const cacheDirEnv = "STEPPING_CACHE_DIR"

// cacheDir is where downloads and templates are kept. Root's own cache folder is
// usually closed to the user the server runs as, so root uses the system's.
func cacheDir(acct *account) (string, error) {
	dir := os.Getenv(cacheDirEnv)
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil || !acct.canReach(base) {
			base = "/var/cache"
		}
		dir = filepath.Join(base, "stepping-cdc")
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("create the cache folder (%s names another): %w", cacheDirEnv, err)
	}
	// Whatever the umask, the server's user must reach what is in it.
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", fmt.Errorf("open the cache folder to the server's user: %w", err)
	}
	return dir, nil
}

// lockFile holds an exclusive lock between processes until unlock is called.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

// fillDataDir makes dir a new cluster and returns the superuser's password.
func fillDataDir(ctx context.Context, inst Installation, acct *account, dir string, opts Options, log logger) (string, error) {
	locale := opts.Locale
	if locale == "" {
		locale = "C"
		if runtime.GOOS == "linux" {
			locale = "C.UTF-8"
		}
	}
	if opts.NewSystem {
		return initdb(ctx, inst, acct, dir, locale)
	}
	template, err := templateFor(ctx, inst, acct, locale, log)
	if err != nil {
		return "", err
	}
	password, err := os.ReadFile(template + ".password")
	if err != nil {
		return "", fmt.Errorf("read the template's password: %w", err)
	}
	if err := copyTree(template, dir, acct); err != nil {
		return "", fmt.Errorf("copy the template: %w", err)
	}
	return string(password), nil
}

// templateFor returns the folder of a cluster fresh from initdb, made on first
// use: initdb takes about a second, a copy a tenth of it.
func templateFor(ctx context.Context, inst Installation, acct *account, locale string, log logger) (string, error) {
	cache, err := cacheDir(acct)
	if err != nil {
		return "", err
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%d", inst.Version, inst.BinDir, locale, acct.uid)
	template := filepath.Join(cache, fmt.Sprintf("template-%s-%016x", inst.Version, h.Sum64()))

	unlock, err := lockFile(template + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	// The password is written last: with it, the template is whole.
	if _, err := os.Stat(template + ".password"); err == nil {
		if _, err := os.Stat(filepath.Join(template, "PG_VERSION")); err == nil {
			return template, nil
		}
	}
	log.printf("running initdb of PostgreSQL %s with locale %s, once, as a template in %s", inst.Version, locale, template)
	if err := os.RemoveAll(template); err != nil {
		return "", fmt.Errorf("remove a broken template: %w", err)
	}
	work, err := acct.tempDir("stepping-initdb-")
	if err != nil {
		return "", fmt.Errorf("create a folder for initdb: %w", err)
	}
	defer os.RemoveAll(work)
	fresh := filepath.Join(work, "data")
	password, err := initdb(ctx, inst, acct, fresh, locale)
	if err != nil {
		return "", err
	}
	// A copy, not a rename: the temporary folder may be on another file system, and
	// the template stays ours, so that the server's user cannot change it.
	if err := copyTree(fresh, template, &account{}); err != nil {
		return "", fmt.Errorf("copy the new cluster: %w", err)
	}
	if err := os.WriteFile(template+".password", []byte(password), 0o600); err != nil {
		return "", fmt.Errorf("write the template's password: %w", err)
	}
	return template, nil
}

func initdb(ctx context.Context, inst Installation, acct *account, dir, locale string) (string, error) {
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("make a password: %w", err)
	}
	password := hex.EncodeToString(raw)
	pwfile := dir + ".pwfile"
	if err := acct.writeFile(pwfile, []byte(password+"\n")); err != nil {
		return "", fmt.Errorf("write the password file: %w", err)
	}
	defer os.Remove(pwfile)
	cmd := exec.CommandContext(ctx, filepath.Join(inst.BinDir, "initdb"),
		"-D", dir, "--username="+Superuser, "--pwfile="+pwfile, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale="+locale, "--lc-messages=C", "--no-sync")
	cmd.Dir = filepath.Dir(dir)
	if err := acct.run(cmd); err != nil {
		return "", fmt.Errorf("run initdb with locale %s: %w", locale, err)
	}
	return password, nil
}

// copyTree copies a folder of plain files and folders, and gives it to the account.
func copyTree(from, to string, acct *account) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			if err := os.Mkdir(target, 0o700); err != nil {
				return err
			}
		case d.Type().IsRegular():
			if err := copyFile(path, target); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s is neither a file nor a folder", path)
		}
		return acct.give(target)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return fill(out, in)
}

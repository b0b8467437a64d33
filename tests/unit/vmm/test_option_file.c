/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of options: lines, comments, blanks, values, and whatever else may be in a file. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/config.h"
#include "vmm/option_file.h"

static struct err err;
static char path[] = "/tmp/ferry-test-XXXXXX";

static void write_file(const char *text, size_t size)
{
	FILE *file = fopen(path, "w");

	ck_assert_uint_eq(fwrite(text, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

static void open_text(const char *text, struct option_file *file)
{
	write_file(text, strlen(text));
	ck_assert_int_eq(option_file_read(path, file, &err), 0);
}

static void expect_line(struct option_file *file, unsigned int number, const char *name,
			const char *value)
{
	struct option_line line;

	ck_assert_int_eq(option_file_next(file, &line, &err), 1);
	ck_assert_uint_eq(line.number, number);
	ck_assert_pstr_eq(line.name, name);
	ck_assert_pstr_eq(line.value, value);
}

static void expect_end(struct option_file *file)
{
	struct option_line line;

	ck_assert_int_eq(option_file_next(file, &line, &err), 0);
	ck_assert_int_eq(option_file_next(file, &line, &err), 0);
	free(file->text);
}

START_TEST(lines)
{
	struct option_file file;

	open_text("# a comment\n\n  --memory 1G\n\t--paused\t \r\n   # another\n \t \n"
		  "--cmdline=console=ttyS0 a=\"b c\" # not one\n--cpus \t 2\n/boot/vm linuz",
		  &file);
	expect_line(&file, 3, "--memory", "1G");
	expect_line(&file, 4, "--paused", NULL);
	expect_line(&file, 7, "--cmdline", "console=ttyS0 a=\"b c\" # not one");
	expect_line(&file, 8, "--cpus", "2");
	expect_line(&file, 9, NULL, "/boot/vm linuz");
	expect_end(&file);
}
END_TEST

START_TEST(odd_lines)
{
	struct option_file file;

	open_text("--vfio=\n-m 512\n--\n=\n--initrd= a\n--cmdline \"\n@other", &file);
	expect_line(&file, 1, "--vfio", "");
	expect_line(&file, 2, "-m", "512");
	expect_line(&file, 3, "--", NULL);
	expect_line(&file, 4, NULL, "=");
	expect_line(&file, 5, "--initrd", " a");
	expect_line(&file, 6, "--cmdline", "\"");
	expect_line(&file, 7, NULL, "@other");
	expect_end(&file);
	open_text("\xef\xbb\xbf--paused\n\xef\xbb\xbfk", &file);
	expect_line(&file, 1, "--paused", NULL);
	expect_line(&file, 2, NULL, "\xef\xbb\xbfk");
	expect_end(&file);
	open_text("\xef\xbb", &file);
	expect_line(&file, 1, NULL, "\xef\xbb");
	expect_end(&file);
	open_text("", &file);
	expect_end(&file);
	open_text("\n", &file);
	expect_end(&file);
}
END_TEST

static void refused(const char *text, size_t size, unsigned int number, const char *part)
{
	struct option_file file;
	struct option_line line;
	int more;

	write_file(text, size);
	ck_assert_int_eq(option_file_read(path, &file, &err), 0);
	do
		more = option_file_next(&file, &line, &err);
	while (more > 0);
	ck_assert_int_eq(more, -EINVAL);
	ck_assert_uint_eq(line.number, number);
	ck_assert_msg(strstr(err.text, part), "%s", err.text);
	free(file.text);
}

START_TEST(refused_lines)
{
	static const char binary[] = "--paused\n\0ELF\n", inside[] = "--cmdline a\0b\n";

	refused(binary, sizeof(binary) - 1, 2, "a control character");
	refused(inside, sizeof(inside) - 1, 1, "a control character");
	refused("\n\n--cmdline a\033[1m", 18, 3, "a control character");
	refused("--cmdline a\rb", 13, 1, "a control character");
	refused("--cmdline \"a b\"\n", 16, 1, "--cmdline: a value is the rest of its line");
	refused("--cmdline='a b'\n", 16, 1, "leave the quotes out");
	refused("--paused\n \"/boot/vm linuz\" \n", 29, 2,
		"\"/boot/vm linuz\": a name is its line");
}
END_TEST

START_TEST(limits)
{
	static char text[OPTION_FILE_MOST + 1];
	struct option_file file;
	struct option_line line;

	memset(text, 'k', sizeof(text));
	write_file(text, sizeof(text) - 1);
	ck_assert_int_eq(option_file_read(path, &file, &err), 0);
	ck_assert_int_eq(option_file_next(&file, &line, &err), 1);
	ck_assert_uint_eq(strlen(line.value), OPTION_FILE_MOST);
	expect_end(&file);
	write_file(text, sizeof(text));
	ck_assert_int_eq(option_file_read(path, &file, &err), -EFBIG);
	ck_assert_ptr_null(file.text);
	ck_assert_ptr_nonnull(strstr(err.text, "longer than a file of options may be, 64 KiB"));
	ck_assert_int_eq(option_file_read("/dev/zero", &file, &err), -EFBIG);
	ck_assert_int_eq(option_file_read("/", &file, &err), -EISDIR);
	ck_assert_int_eq(option_file_read("/no/such", &file, &err), -ENOENT);
	ck_assert_str_eq(err.text, "/no/such: No such file or directory");
}
END_TEST

/* Whatever it is, every line is told of once, and nothing outside the text is touched. */
START_TEST(anything)
{
	static const char alphabet[] = "-=@# \t\r\n\n\"'ak\0\033\xff";
	char text[64];

	srand(1);
	for (int round = 0; round < 2000; round++) {
		size_t size = (size_t)rand() % (sizeof(text) + 1);
		struct option_file file;
		struct option_line line;
		unsigned int last = 0;

		for (size_t i = 0; i < size; i++)
			text[i] = alphabet[(size_t)rand() % sizeof(alphabet)];
		write_file(text, size);
		ck_assert_int_eq(option_file_read(path, &file, &err), 0);
		while (option_file_next(&file, &line, &err) != 0) {
			ck_assert_uint_gt(line.number, last);
			last = line.number;
		}
		ck_assert_uint_le(last, size + 1);
		free(file.text);
	}
}
END_TEST

static struct config config;

/* Parses @before, the file of @text, and @after, words of which are none or one. */
static int parse(const char *before, const char *text, const char *after)
{
	static char at[sizeof(path) + 1];
	char *argv[8] = {(char *)"run"};
	enum config_action action;
	int argc = 1;

	config_release(&config);
	err = (struct err){0};
	write_file(text, strlen(text));
	snprintf(at, sizeof(at), "@%s", path);
	if (before)
		argv[argc++] = (char *)before;
	argv[argc++] = at;
	if (after)
		argv[argc++] = (char *)after;
	return config_parse(&config, argc, argv, &action, &err);
}

START_TEST(as_on_the_command_line)
{
	ck_assert_int_eq(parse("--memory=1G", "--cpus 2\n--cmdline quiet a=b\n--paused\nk\n",
			       "--cpus=3"),
			 0);
	ck_assert_uint_eq(config.memory, GIB);
	ck_assert_uint_eq(config.cpus, 3);
	ck_assert_str_eq(config.cmdline, "quiet a=b");
	ck_assert_str_eq(config.kernel, "k");
	ck_assert(config.paused);
	ck_assert_int_eq(parse("--memory=1G", "--memory 2G\n", "k"), 0);
	ck_assert_uint_eq(config.memory, 2 * GIB);
	ck_assert_int_eq(parse("--dump-fdt=@x", "./@k", NULL), 0);
	ck_assert_str_eq(config.dump_fdt, "@x");
	ck_assert_str_eq(config.kernel, "./@k");
	ck_assert_int_eq(parse("k", "--vfio 1:0.0,rom=off\n", path), -EINVAL);
	ck_assert_int_eq(parse("k", "--vfio 1:0.0,rom=off\n", NULL), 0);
	ck_assert_uint_eq(config.vfio_count, 1);
}
END_TEST

START_TEST(files_are_named_in_errors)
{
	static const struct {
		const char *text, *told;
	} told[] = {
		{"\n--memory lots", ":2: --memory: 'lots': not a size"},
		{"--mem 1G", ":1: unknown option '--mem': Ferry's word is --memory"},
		{"-m 512", ":1: unknown option '-m': Ferry's word is --memory"},
		{"--", ":1: unknown option '--'"},
		{"--nonsense", ":1: unknown option '--nonsense': see ferry run --help"},
		{"--paused yes", ":1: --paused: takes no value"},
		{"--memory\n1G", ":1: --memory: needs a value, on the same line"},
		{"--help", ":1: --help: it is for the command line"},
		{"@other", ":1: '@other': a file of options names no other"},
		{"k\nl", ":2: 'l': one kernel is booted, 'k'"},
		{"\033", ":1: it has a control character"},
	};
	char begin[256];

	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		ck_assert_int_eq(parse(NULL, told[i].text, NULL), -EINVAL);
		snprintf(begin, sizeof(begin), "%s%s", path, told[i].told);
		ck_assert_msg(strstr(err.text, begin) == err.text, "%s", err.text);
	}
}
END_TEST

START_TEST(files_on_the_command_line)
{
	char *argv[CONFIG_FILES_MAX + 3] = {(char *)"run"};
	char at[sizeof(path) + 1];
	enum config_action action;

	write_file("", 0);
	snprintf(at, sizeof(at), "@%s", path);
	for (int i = 1; i <= CONFIG_FILES_MAX; i++)
		argv[i] = at;
	argv[CONFIG_FILES_MAX + 1] = (char *)"k";
	ck_assert_int_eq(config_parse(&config, CONFIG_FILES_MAX + 2, argv, &action, &err), 0);
	config_release(&config);
	argv[CONFIG_FILES_MAX + 1] = at;
	ck_assert_int_eq(config_parse(&config, CONFIG_FILES_MAX + 2, argv, &action, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "16 files of options are the most"));
	config_release(&config);
	argv[1] = (char *)"--";
	argv[2] = (char *)"@k";
	ck_assert_int_eq(config_parse(&config, 3, argv, &action, &err), 0);
	ck_assert_str_eq(config.kernel, "@k");
	argv[1] = (char *)"@";
	ck_assert_int_eq(config_parse(&config, 2, argv, &action, &err), -EINVAL);
	ck_assert_str_eq(err.text, "'@': it takes a file of options: @FILE");
	argv[1] = (char *)"@/no/such";
	ck_assert_int_eq(config_parse(&config, 2, argv, &action, &err), -ENOENT);
	ck_assert_str_eq(err.text, "/no/such: No such file or directory");
}
END_TEST

static void add_tests(TCase *tests)
{
	/* It writes some thousand files. */
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, lines);
	tcase_add_test(tests, odd_lines);
	tcase_add_test(tests, refused_lines);
	tcase_add_test(tests, limits);
	tcase_add_test(tests, anything);
	tcase_add_test(tests, as_on_the_command_line);
	tcase_add_test(tests, files_are_named_in_errors);
	tcase_add_test(tests, files_on_the_command_line);
}

int main(void)
{
	int fd = mkstemp(path), rc;

	if (fd < 0)
		return EXIT_FAILURE;
	close(fd);
	rc = run_suite("vmm option file", add_tests);
	unlink(path);
	return rc;
}

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static const char *const level_names[] = {"debug", "info", "warn", "error"};

enum {
    LEVELS = sizeof level_names / sizeof level_names[0],
    SPEC_MAX = 16,
    NUMBER_MAX = 32
};

static struct {
    int fd;
    enum log_level least;
    const struct clock *clock;
} sink = {STDERR_FILENO, LEVEL_INFO, NULL};

/* ---- a line in the making ---- */

struct line {
    char text[LOG_LINE_MAX];
    size_t len;
    bool cut;
};

static const char cut_mark[] = "...\n";

static void put_char(struct line *l, char c)
{
    if (l->len + sizeof cut_mark > sizeof l->text)
        l->cut = true;
    else
        l->text[l->len++] = c;
}

static void put_text(struct line *l, const char *text)
{
    while (*text)
        put_char(l, *text++);
}

static bool plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

static void put_escaped(struct line *l, unsigned char c)
{
    char hex[sizeof "\\xff"];

    if (c == '"' || c == '\\') {
        put_char(l, '\\');
        put_char(l, (char)c);
    } else if (c >= ' ' && c < 0x7f) {
        put_char(l, (char)c);
    } else {
        snprintf(hex, sizeof hex, "\\x%02x", c);
        put_text(l, hex);
    }
}

static void put_value(struct line *l, const char *value, size_t len)
{
    bool bare = len > 0;

    for (size_t i = 0; i < len; i++)
        bare = bare && plain((unsigned char)value[i]);
    if (!bare)
        put_char(l, '"');
    for (size_t i = 0; i < len; i++)
        put_escaped(l, (unsigned char)value[i]);
    if (!bare)
        put_char(l, '"');
}

/* ---- printf's conversions, one at a time, so that each value is escaped on its own ---- */

struct spec {
    char text[SPEC_MAX]; /* "%08" so far, to which length and conversion are added */
    size_t len;
    int precision; /* -1: none */
    char size[3];  /* "", "h", "hh", "l", "ll", "z", "j", "t" */
    char conversion;
};

static void spec_add(struct spec *s, char c)
{
    if (s->len + 1 < sizeof s->text)
        s->text[s->len++] = c;
}

static int read_digits(const char **at)
{
    int n = 0;

    for (; **at >= '0' && **at <= '9'; (*at)++)
        n = n < LOG_LINE_MAX ? n * 10 + (**at - '0') : n;
    return n;
}

/* `at` is behind the '%'; ends behind the conversion. */
static struct spec read_spec(const char **at, va_list *args)
{
    struct spec s = {.precision = -1};
    size_t size = 0;

    spec_add(&s, '%');
    for (; **at && strchr("0123456789-+ #", **at); (*at)++)
        spec_add(&s, **at);
    if (**at == '.') {
        (*at)++;
        if (**at == '*') {
            s.precision = va_arg(*args, int);
            (*at)++;
        } else {
            s.precision = read_digits(at);
        }
    }
    for (; **at && strchr("hlzjt", **at); (*at)++)
        if (size + 1 < sizeof s.size)
            s.size[size++] = **at;
    s.conversion = **at;
    if (**at)
        (*at)++;
    return s;
}

/* z, j and t are as wide as l here; h and hh arrive as int. */
static_assert(sizeof(long) == sizeof(size_t) && sizeof(long) == sizeof(intmax_t), "LP64");

static bool is_long(const struct spec *s)
{
    return strcmp(s->size, "l") == 0 || (s->size[0] && strchr("zjt", s->size[0]));
}

static bool is_long_long(const struct spec *s)
{
    return strcmp(s->size, "ll") == 0;
}

static long long next_signed(const struct spec *s, va_list *args)
{
    if (is_long_long(s))
        return va_arg(*args, long long);
    if (is_long(s))
        return va_arg(*args, long);
    return va_arg(*args, int);
}

static unsigned long long next_unsigned(const struct spec *s, va_list *args)
{
    if (is_long_long(s))
        return va_arg(*args, unsigned long long);
    if (is_long(s))
        return va_arg(*args, unsigned long);
    return va_arg(*args, unsigned);
}

static void put_signed(struct line *l, const struct spec *s, va_list *args)
{
    char format[SPEC_MAX + 4];
    char out[NUMBER_MAX];

    snprintf(format, sizeof format, "%sll%c", s->text, s->conversion);
    snprintf(out, sizeof out, format, next_signed(s, args));
    put_text(l, out);
}

static void put_unsigned(struct line *l, const struct spec *s, va_list *args)
{
    char format[SPEC_MAX + 4];
    char out[NUMBER_MAX];

    snprintf(format, sizeof format, "%sll%c", s->text, s->conversion);
    snprintf(out, sizeof out, format, next_unsigned(s, args));
    put_text(l, out);
}

static void put_string(struct line *l, const struct spec *s, va_list *args)
{
    const char *value = va_arg(*args, const char *);

    if (!value)
        put_char(l, '-');
    else
        put_value(l, value,
                  s->precision < 0 ? strlen(value) : strnlen(value, (size_t)s->precision));
}

/* False: a conversion we do not know; what follows cannot be read safely. */
static bool put_conversion(struct line *l, const struct spec *s, va_list *args)
{
    char c;

    switch (s->conversion) {
    case 's':
        put_string(l, s, args);
        return true;
    case 'c':
        c = (char)va_arg(*args, int);
        put_value(l, &c, 1);
        return true;
    case 'd':
    case 'i':
        put_signed(l, s, args);
        return true;
    case 'u':
    case 'x':
    case 'X':
        put_unsigned(l, s, args);
        return true;
    case '%':
        put_char(l, '%');
        return true;
    default:
        put_char(l, '?');
        return false;
    }
}

static void put_format(struct line *l, const char *format, va_list *args)
{
    while (*format) {
        struct spec s;

        if (*format != '%') {
            put_char(l, *format++);
            continue;
        }
        format++;
        s = read_spec(&format, args);
        if (!put_conversion(l, &s, args))
            return;
    }
}

static void put_head(struct line *l, enum log_level level, const char *event)
{
    const struct clock *clock = sink.clock ? sink.clock : clock_system();
    char when[TIME_TEXT_BYTES];

    put_text(l, time_text(clock_now_ms(clock), when) ? "-" : when);
    put_char(l, ' ');
    put_text(l, level_names[level]);
    put_char(l, ' ');
    put_text(l, event);
}

/* A full pipe or a closed terminal must not stop the daemon: what cannot be written is dropped. */
static void send_line(struct line *l)
{
    const char *end = l->cut ? cut_mark : "\n";
    ssize_t ignored;

    memcpy(l->text + l->len, end, strlen(end));
    ignored = write(sink.fd, l->text, l->len + strlen(end));
    (void)ignored;
}

static void event_v(enum log_level level, const char *event, const char *format, va_list *args)
{
    struct line l;

    l.len = 0;
    l.cut = false;
    put_head(&l, level, event);
    put_char(&l, ' ');
    put_format(&l, format, args);
    send_line(&l);
}

static bool wanted(enum log_level level)
{
    return level >= sink.least && (size_t)level < LEVELS;
}

void log_setup(int fd, enum log_level least, const struct clock *clock)
{
    sink.fd = fd;
    sink.least = least;
    sink.clock = clock;
}

enum err log_level_read(const char *name, enum log_level *out)
{
    for (size_t i = 0; i < LEVELS; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return ERR_OK;
        }
    }
    return ERR_RANGE;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    va_list args;

    if (!wanted(level))
        return;
    va_start(args, format);
    event_v(level, event, format, &args);
    va_end(args);
}

/* ---- events a peer can cause at will ---- */

static struct window {
    const char *event;
    enum log_level level;
    uint64_t ends_ms;
    uint64_t seen;
} windows[LOG_LIMITED_MAX];
static pthread_mutex_t windows_mutex = PTHREAD_MUTEX_INITIALIZER;

static uint64_t mono_now(void)
{
    return clock_mono_ms(sink.clock ? sink.clock : clock_system());
}

static void tell_suppressed(struct window *w)
{
    if (w->seen > LOG_BURST)
        log_event(w->level, w->event, "suppressed=%llu", (unsigned long long)(w->seen - LOG_BURST));
    w->seen = 0;
}

/* NULL: the table is full of other names, which only our own code could do; nothing is limited. */
static struct window *window_of(const char *event)
{
    for (size_t i = 0; i < LOG_LIMITED_MAX; i++) {
        if (!windows[i].event)
            windows[i].event = event;
        if (strcmp(windows[i].event, event) == 0)
            return &windows[i];
    }
    return NULL;
}

static bool within_limit(enum log_level level, const char *event)
{
    uint64_t now = mono_now();
    struct window *w;
    bool ok = true;

    pthread_mutex_lock(&windows_mutex);
    w = window_of(event);
    if (w) {
        if (w->seen > 0 && now >= w->ends_ms)
            tell_suppressed(w);
        if (w->seen == 0)
            w->ends_ms = now + LOG_WINDOW_MS;
        w->level = level;
        ok = ++w->seen <= LOG_BURST;
    }
    pthread_mutex_unlock(&windows_mutex);
    return ok;
}

void log_limited(enum log_level level, const char *event, const char *format, ...)
{
    va_list args;

    if (!wanted(level) || !within_limit(level, event))
        return;
    va_start(args, format);
    event_v(level, event, format, &args);
    va_end(args);
}

void log_tick(void)
{
    uint64_t now = mono_now();

    pthread_mutex_lock(&windows_mutex);
    for (size_t i = 0; i < LOG_LIMITED_MAX && windows[i].event; i++)
        if (windows[i].seen > 0 && now >= windows[i].ends_ms)
            tell_suppressed(&windows[i]);
    pthread_mutex_unlock(&windows_mutex);
}

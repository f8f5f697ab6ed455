dnl SPDX-License-Identifier: Apache-2.0

dnl SONDE_PLUGIN(role_name, pkg-config modules or nothing, what it is)
dnl Gives --enable-ROLE-NAME=yes|no|auto, the conditional ENABLE_ROLE_NAME and a row of
dnl the table that ends configure.
AC_DEFUN([SONDE_PLUGIN],[
m4_pushdef([UPPER],m4_toupper([$1]))
AC_ARG_ENABLE(m4_translit([$1],[_],[-]),
  [AS_HELP_STRING([--enable-]m4_translit([$1],[_],[-])[=yes|no|auto],[$3 @<:@auto@:>@])],
  [enable_$1=$enableval],[enable_$1=auto])
sonde_why="asked for"
AS_IF([test "x$enable_$1" = xno],[sonde_why="switched off by --disable-]m4_translit([$1],[_],[-])["],
  [m4_ifblank([$2],
    [enable_$1=yes; sonde_why="needs nothing"],
    [PKG_CHECK_MODULES(UPPER,[$2],
      [enable_$1=yes; sonde_why="found $2"],
      [AS_IF([test "x$enable_$1" = xyes],
         [AC_MSG_ERROR([$3 was asked for, but $2 was not found: $]UPPER[_PKG_ERRORS])])
       enable_$1=no; sonde_why="not found: $2"])])])
AM_CONDITIONAL([ENABLE_]UPPER,[test "x$enable_$1" = xyes])
sonde_row=`printf '    %-18s %-6s %s' "$1" "$enable_$1" "$sonde_why"`
sonde_summary="$sonde_summary
$sonde_row"
m4_popdef([UPPER])])

dnl SONDE_WARNINGS: what is always asked of the compiler; --enable-werror makes it binding.
AC_DEFUN([SONDE_WARNINGS],[
AC_ARG_ENABLE([werror],[AS_HELP_STRING([--enable-werror],[warnings are errors @<:@no@:>@])],
  [],[enable_werror=no])
WARN_CFLAGS="-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla"
AS_IF([test "x$enable_werror" = xyes],[WARN_CFLAGS="$WARN_CFLAGS -Werror"])
AC_SUBST([WARN_CFLAGS])])

dnl SONDE_SANITIZER: --enable-sanitizer=address,undefined or thread
AC_DEFUN([SONDE_SANITIZER],[
AC_ARG_ENABLE([sanitizer],
  [AS_HELP_STRING([--enable-sanitizer=LIST],[address,undefined or thread @<:@no@:>@])],
  [],[enable_sanitizer=no])
AS_CASE([$enable_sanitizer],
  [no],[],
  [address|undefined|thread|address,undefined|undefined,address],
    [SAN_CFLAGS="-fsanitize=$enable_sanitizer -fno-omit-frame-pointer -fno-sanitize-recover=all -g"],
  [AC_MSG_ERROR([--enable-sanitizer takes address, undefined, address,undefined or thread])])
AC_SUBST([SAN_CFLAGS])
AM_CONDITIONAL([SANITIZE_THREAD],[test "$enable_sanitizer" = thread])
AM_CONDITIONAL([SANITIZE],[test "$enable_sanitizer" != no])])

dnl SONDE_HARDENING: on unless switched off; a sanitizer brings checks of its own.
AC_DEFUN([SONDE_HARDENING],[
AC_ARG_ENABLE([hardening],[AS_HELP_STRING([--disable-hardening],[no hardening flags])],
  [],[enable_hardening=yes])
AS_IF([test "$enable_sanitizer" != no],[enable_hardening="no (sanitizer)"])
AS_IF([test "x$enable_hardening" = xyes],[
  HARD_CFLAGS="-fstack-protector-strong"
  sonde_save=$CFLAGS
  for flag in -fstack-clash-protection -fcf-protection; do
    CFLAGS="$sonde_save -Werror $flag"
    AC_MSG_CHECKING([whether $CC takes $flag])
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
      [HARD_CFLAGS="$HARD_CFLAGS $flag"; AC_MSG_RESULT([yes])],[AC_MSG_RESULT([no])])
  done
  CFLAGS=$sonde_save
  AS_CASE([" $CFLAGS $CPPFLAGS "],
    [*_FORTIFY_SOURCE*],[],
    [*" -O@<:@123s@:>@"*],[HARD_CFLAGS="$HARD_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"])
  HARD_LDFLAGS="-Wl,-z,relro -Wl,-z,now -Wl,--as-needed"])
AC_SUBST([HARD_CFLAGS])
AC_SUBST([HARD_LDFLAGS])])

dnl SONDE_FUZZERS: libFuzzer targets, with clang only
AC_DEFUN([SONDE_FUZZERS],[
AC_ARG_ENABLE([fuzzers],[AS_HELP_STRING([--enable-fuzzers],[build the fuzz targets (clang) @<:@no@:>@])],
  [],[enable_fuzzers=no])
AS_IF([test "x$enable_fuzzers" = xyes],[SAN_CFLAGS="$SAN_CFLAGS -fsanitize=fuzzer-no-link"])])

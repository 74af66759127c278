core/arithmetic_pkg.vhd
core/program_pkg.vhd

core/arithmetic_pkg.vhd
core/tile_pkg.vhd
core/program_pkg.vhd

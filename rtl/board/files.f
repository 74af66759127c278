board/top_xc7s15.vhd

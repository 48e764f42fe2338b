for piece in *.svg; do press send $piece; done
press close

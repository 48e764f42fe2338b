cat > {{file}}.svg <<'END'
<svg xmlns='http://www.w3.org/2000/svg' height='360' width='640'>
<text x='9' y='50'>{{title}}</text>
</svg>
END

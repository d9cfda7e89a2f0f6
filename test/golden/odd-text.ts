/** Text that careless writers change: composed and decomposed, line separators, astral, controls, direction marks, noncharacters, the byte order mark. */
export const ODD =
  "\u00e9 e\u0301 \ufb01 \u212b \u2028\u2029 \u{1f600}\u{1f468}\u200d\u{1f469} \u0001\u007f\u0085 \u202eabc\u202c \uffff\ufdd0 \ufeff \\u0041 \" \\ / </script>";

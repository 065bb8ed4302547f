name=Loïc Vanhœcke
profession=Infirmier de nuit
category=1
rpps=10999990038

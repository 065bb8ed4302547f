name=Maëlys D'Hondt-Prévost
profession=Assistante de service social
category=2

name=Séverin Béhague
profession=Coordinateur de parcours
category=2

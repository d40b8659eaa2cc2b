"""Chinese cities and provinces (GeoNames, see SOURCE.txt), and `geocoder.GazetteerGeocoder`, which finds them in addresses."""

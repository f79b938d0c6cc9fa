	.data
	.lon	1
	.long	)
	.section
	this is no instruction 1

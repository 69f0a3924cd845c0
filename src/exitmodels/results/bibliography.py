"""The papers behind the numbers: keys travel in results, `cite()` prints them.

Second floor. One place for every reference that a result can name.
"""

from __future__ import annotations

from collections.abc import Iterable

from exitmodels.version import VERSION

__all__ = ["REFERENCES", "citation"]

REFERENCES: dict[str, str] = {
    "aalen1978": "Aalen, O. (1978). Nonparametric inference for a family of counting processes. Annals of Statistics "
    "6, 701-726.",
    "aalen1989": "Aalen, O. O. (1989). A linear regression model for the analysis of life times. Statistics in "
    "Medicine 8, 907-925.",
    "aalen_johansen1978": "Aalen, O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous "
    "Markov chains based on censored observations. Scandinavian Journal of Statistics 5, 141-150.",
    "abadie2010": "Abadie, A., Diamond, A. and Hainmueller, J. (2010). Synthetic control methods for comparative case "
    "studies: estimating the effect of California's tobacco control program. JASA 105, 493-505.",
    "adams_mackay2007": "Adams, R. P. and MacKay, D. J. C. (2007). Bayesian online changepoint detection. "
    "arXiv:0710.3742.",
    "addona_wolfson2006": "Addona, V. and Wolfson, D. B. (2006). A formal test for the stationarity of the "
    "incidence rate using data from a prevalent cohort study with follow-up. Lifetime Data Analysis 12, 267-284.",
    "agresti_liu1999": "Agresti, A. and Liu, I.-M. (1999). Modeling a categorical variable allowing arbitrarily many "
    "category choices. Biometrics 55, 936-943.",
    "alioum_commenges1996": "Alioum, A. and Commenges, D. (1996). A proportional hazards model for arbitrarily "
    "censored and truncated data. Biometrics 52, 512-524.",
    "allison1982": "Allison, P. D. (1982). Discrete-time methods for the analysis of event histories. Sociological "
    "Methodology 13, 61-98.",
    "allison_waterman2002": "Allison, P. D. and Waterman, R. P. (2002). Fixed-effects negative binomial regression "
    "models. Sociological Methodology 32, 247-265.",
    "andersen1993": "Andersen, P. K., Borgan, O., Gill, R. D. and Keiding, N. (1993). Statistical Models Based on "
    "Counting Processes. Springer.",
    "andersen2013": "Andersen, P. K. (2013). Decomposition of number of life years lost according to causes of death. "
    "Statistics in Medicine 32, 5278-5285.",
    "andersen_hansen_klein2004": "Andersen, P. K., Hansen, M. G. and Klein, J. P. (2004). Regression analysis of "
    "restricted mean survival time based on pseudo-observations. Lifetime Data Analysis 10, 335-350.",
    "andersen_klein_rosthoj2003": "Andersen, P. K., Klein, J. P. and Rosthoj, S. (2003). Generalised linear models "
    "for correlated pseudo-observations, with applications to multi-state models. Biometrika 90, 15-27.",
    "anderson_darling1952": "Anderson, T. W. and Darling, D. A. (1952). Asymptotic theory of certain goodness of fit "
    "criteria based on stochastic processes. Annals of Mathematical Statistics 23, 193-212.",
    "andrews1993": "Andrews, D. W. K. (1993). Tests for parameter instability and structural change with unknown "
    "change point. Econometrica 61, 821-856.",
    "armitage1955": "Armitage, P. (1955). Tests for linear trends in proportions and frequencies. Biometrics 11, "
    "375-386.",
    "asgharian2002": "Asgharian, M., M'Lan, C. E. and Wolfson, D. B. (2002). Length-biased sampling with right "
    "censoring: an unconditional approach. JASA 97, 201-209.",
    "bai1997": "Bai, J. (1997). Estimation of a change point in multiple regression models. Review of Economics and "
    "Statistics 79, 551-563.",
    "bai_perron2003": "Bai, J. and Perron, P. (2003). Computation and analysis of multiple structural change models. "
    "Journal of Applied Econometrics 18, 1-22.",
    "baker1994": "Baker, S. G. (1994). The multinomial-Poisson transformation. The Statistician 43, 495-504.",
    "banerjee_wellner2001": "Banerjee, M. and Wellner, J. A. (2001). Likelihood ratio tests for monotone functions. "
    "Annals of Statistics 29, 1699-1731.",
    "barnard_rubin1999": "Barnard, J. and Rubin, D. B. (1999). Small-sample degrees of freedom with multiple "
    "imputation. Biometrika 86, 948-955.",
    "barry_hartigan1992": "Barry, D. and Hartigan, J. A. (1992). Product partition models for change point problems. "
    "Annals of Statistics 20, 260-279.",
    "becker1991": "Becker, N. G., Watson, L. F. and Carlin, J. B. (1991). A method of non-parametric back-projection "
    "and its application to AIDS data. Statistics in Medicine 10, 1527-1542.",
    "benichou_gail1990": "Benichou, J. and Gail, M. H. (1990). Estimates of absolute cause-specific risk in cohort "
    "studies. Biometrics 46, 813-826.",
    "benjamini_hochberg1995": "Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate: a "
    "practical and powerful approach to multiple testing. Journal of the Royal Statistical Society B 57, 289-300.",
    "binder1992": "Binder, D. A. (1992). Fitting Cox's proportional hazards models from survey data. Biometrika 79, "
    "139-147.",
    "blaker2000": "Blaker, H. (2000). Confidence curves and improved exact confidence intervals for discrete "
    "distributions. Canadian Journal of Statistics 28, 783-798.",
    "blanche2013": "Blanche, P., Dartigues, J.-F. and Jacqmin-Gadda, H. (2013). Estimating and comparing "
    "time-dependent areas under receiver operating characteristic curves for censored event times with competing "
    "risks. Statistics in Medicine 32, 5381-5397.",
    "borgan2000": "Borgan, O., Langholz, B., Samuelsen, S. O., Goldstein, L. and Pogoda, J. (2000). Exposure "
    "stratified case-cohort designs. Lifetime Data Analysis 6, 39-58.",
    "box_tiao1975": "Box, G. E. P. and Tiao, G. C. (1975). Intervention analysis with applications to economic and "
    "environmental problems. JASA 70, 70-79.",
    "breslow1974": "Breslow, N. (1974). Covariance analysis of censored survival data. Biometrics 30, 89-99.",
    "breslow1975": "Breslow, N. E. (1975). Analysis of survival data under the proportional hazards model. "
    "International Statistical Review 43, 45-57.",
    "breslow1984": "Breslow, N. E. (1984). Extra-Poisson variation in log-linear models. Applied Statistics 33, 38-44.",
    "breslow_day1987": "Breslow, N. E. and Day, N. E. (1987). Statistical Methods in Cancer Research II: The Design "
    "and Analysis of Cohort Studies. International Agency for Research on Cancer.",
    "brook_evans1972": "Brook, D. and Evans, D. A. (1972). An approach to the probability distribution of cusum run "
    "length. Biometrika 59, 539-549.",
    "cameron_trivedi1990": "Cameron, A. C. and Trivedi, P. K. (1990). Regression-based tests for overdispersion in "
    "the Poisson model. Journal of Econometrics 46, 347-364.",
    "cameron_trivedi2013": "Cameron, A. C. and Trivedi, P. K. (2013). Regression Analysis of Count Data, 2nd ed. "
    "Cambridge University Press.",
    "campbell_mosimann1987": "Campbell, G. and Mosimann, J. E. (1987). Multivariate methods for proportional shape. "
    "ASA Proceedings of the Section on Statistical Graphics, 10-17.",
    "chen_li2013": "Chen, J. and Li, H. (2013). Variable selection for sparse Dirichlet-multinomial regression with "
    "an application to microbiome data analysis. Annals of Applied Statistics 7, 418-442.",
    "christou_fokianos2014": "Christou, V. and Fokianos, K. (2014). Quasi-likelihood inference for negative binomial "
    "time series models. Journal of Time Series Analysis 35, 55-78.",
    "clopper1934": "Clopper, C. J. and Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in "
    "the case of the binomial. Biometrika 26, 404-413.",
    "cochran1954": "Cochran, W. G. (1954). Some methods for strengthening the common chi-squared tests. Biometrics "
    "10, 417-451.",
    "cohen1960": "Cohen, J. (1960). A coefficient of agreement for nominal scales. Educational and Psychological "
    "Measurement 20, 37-46.",
    "consul_jain1973": "Consul, P. C. and Jain, G. C. (1973). A generalization of the Poisson distribution. "
    "Technometrics 15, 791-799.",
    "cox1972": "Cox, D. R. (1972). Regression models and life-tables. Journal of the Royal Statistical Society B 34, "
    "187-220.",
    "cox_lewis1966": "Cox, D. R. and Lewis, P. A. W. (1966). The Statistical Analysis of Series of Events. Methuen.",
    "craiu_duchesne2004": "Craiu, R. V. and Duchesne, T. (2004). Inference based on the EM algorithm for the competing "
    "risks model with masked causes of failure. Biometrika 91, 543-558.",
    "czado2009": "Czado, C., Gneiting, T. and Held, L. (2009). Predictive model assessment for count data. Biometrics "
    "65, 1254-1261.",
    "davies1987": "Davies, R. B. (1987). Hypothesis testing when a nuisance parameter is present only under the "
    "alternative. Biometrika 74, 33-43.",
    "davis2003": "Davis, R. A., Dunsmuir, W. T. M. and Streett, S. B. (2003). Observation-driven models for Poisson "
    "counts. Biometrika 90, 777-790.",
    "davis2005": "Davis, R. A., Dunsmuir, W. T. M. and Streett, S. B. (2005). Maximum likelihood estimation for an "
    "observation driven model for Poisson counts. Methodology and Computing in Applied Probability 7, 149-159.",
    "dawid_skene1979": "Dawid, A. P. and Skene, A. M. (1979). Maximum likelihood estimation of observer error-rates "
    "using the EM algorithm. Applied Statistics 28, 20-28.",
    "de_jong1991": "De Jong, P. (1991). The diffuse Kalman filter. Annals of Statistics 19, 1073-1083.",
    "de_una_alvarez2020": "de Una-Alvarez, J. (2020). Nonparametric estimation of the cumulative incidences of "
    "competing risks under double truncation. Biometrical Journal 62, 852-867.",
    "dean1992": "Dean, C. B. (1992). Testing for overdispersion in Poisson and binomial regression models. JASA 87, "
    "451-457.",
    "denby_vardi1986": "Denby, L. and Vardi, Y. (1986). The survival curve with decreasing density. Technometrics "
    "28, 359-367.",
    "dewanji1992": "Dewanji, A. (1992). A note on a test for competing risks with missing failure type. Biometrika 79, "
    "855-857.",
    "dinse1982": "Dinse, G. E. (1982). Nonparametric estimation for partially-complete time and type of failure data. "
    "Biometrics 38, 417-431.",
    "dobson1991": "Dobson, A. J., Kuulasmaa, K., Eberle, E. and Scherer, J. (1991). Confidence intervals for weighted "
    "sums of Poisson parameters. Statistics in Medicine 10, 457-462.",
    "donner_zou2012": "Donner, A. and Zou, G. Y. (2012). Closed-form confidence intervals for functions of the normal "
    "mean and standard deviation. Statistical Methods in Medical Research 21, 347-359.",
    "driscoll_kraay1998": "Driscoll, J. C. and Kraay, A. C. (1998). Consistent covariance matrix estimation with "
    "spatially dependent panel data. Review of Economics and Statistics 80, 549-560.",
    "dunsmuir_scott2015": "Dunsmuir, W. T. M. and Scott, D. J. (2015). The glarma package for observation-driven time "
    "series regression of counts. Journal of Statistical Software 67(7), 1-36.",
    "durbin_koopman2012": "Durbin, J. and Koopman, S. J. (2012). Time Series Analysis by State Space Methods, 2nd ed. "
    "Oxford University Press.",
    "efron1967": "Efron, B. (1967). The two sample problem with censored data. Proceedings of the Fifth Berkeley "
    "Symposium on Mathematical Statistics and Probability 4, 831-853.",
    "efron1977": "Efron, B. (1977). The efficiency of Cox's likelihood function for censored data. JASA 72, 557-565.",
    "efron1979": "Efron, B. (1979). Bootstrap methods: another look at the jackknife. Annals of Statistics 7, 1-26.",
    "efron1981": "Efron, B. (1981). Censored data and the bootstrap. JASA 76, 312-319.",
    "efron1987": "Efron, B. (1987). Better bootstrap confidence intervals. JASA 82, 171-185.",
    "efron_petrosian1999": "Efron, B. and Petrosian, V. (1999). Nonparametric methods for doubly truncated data. JASA "
    "94, 824-834.",
    "eilers_marx1996": "Eilers, P. H. C. and Marx, B. D. (1996). Flexible smoothing with B-splines and penalties. "
    "Statistical Science 11, 89-121.",
    "emura2015": "Emura, T., Konno, Y. and Michimae, H. (2015). Statistical inference based on the nonparametric "
    "maximum likelihood estimator under double-truncation. Lifetime Data Analysis 21, 397-418.",
    "farewell1982": "Farewell, V. T. (1982). The use of mixture models for the analysis of survival data with "
    "long-term survivors. Biometrics 38, 1041-1046.",
    "farrington1996": "Farrington, C. P., Andrews, N. J., Beale, A. D. and Catchpole, M. A. (1996). A statistical "
    "algorithm for the early detection of outbreaks of infectious disease. Journal of the Royal Statistical Society A "
    "159, 547-563.",
    "fay1996": "Fay, M. P. (1996). Rank invariant tests for interval censored data under the grouped continuous "
    "model. Biometrics 52, 811-822.",
    "fay1999": "Fay, M. P. (1999). Comparing several score tests for interval censored data. Statistics in Medicine "
    "18, 273-285.",
    "fay2010": "Fay, M. P. (2010). Two-sided exact tests and matching confidence intervals for discrete data. R "
    "Journal 2(1), 53-58.",
    "fay_feuer1997": "Fay, M. P. and Feuer, E. J. (1997). Confidence intervals for directly standardized rates: a "
    "method based on the gamma distribution. Statistics in Medicine 16, 791-801.",
    "fay_shaw2010": "Fay, M. P. and Shaw, P. A. (2010). Exact and asymptotic weighted logrank tests for interval "
    "censored data: the interval R package. Journal of Statistical Software 36(2), 1-34.",
    "fearnhead2006": "Fearnhead, P. (2006). Exact and efficient Bayesian inference for multiple changepoint problems. "
    "Statistics and Computing 16, 203-213.",
    "fellegi_sunter1969": "Fellegi, I. P. and Sunter, A. B. (1969). A theory for record linkage. JASA 64, 1183-1210.",
    "fieller1954": "Fieller, E. C. (1954). Some problems in interval estimation. Journal of the Royal Statistical "
    "Society B 16, 175-185.",
    "fine_gray1999": "Fine, J. P. and Gray, R. J. (1999). A proportional hazards model for the subdistribution of a "
    "competing risk. JASA 94, 496-509.",
    "finkelstein1986": "Finkelstein, D. M. (1986). A proportional hazards model for interval-censored failure time "
    "data. Biometrics 42, 845-854.",
    "firth1993": "Firth, D. (1993). Bias reduction of maximum likelihood estimates. Biometrika 80, 27-38.",
    "fleming1987": "Fleming, T. R., Harrington, D. P. and O'Sullivan, M. (1987). Supremum versions of the log-rank "
    "and generalized Wilcoxon statistics. JASA 82, 312-320.",
    "fleming_harrington1984": "Fleming, T. R. and Harrington, D. P. (1984). Nonparametric estimation of the survival "
    "distribution in censored data. Communications in Statistics A 13, 2469-2486.",
    "fleming_harrington1991": "Fleming, T. R. and Harrington, D. P. (1991). Counting Processes and Survival Analysis. "
    "Wiley.",
    "fokianos2009": "Fokianos, K., Rahbek, A. and Tjostheim, D. (2009). Poisson autoregression. JASA 104, 1430-1439.",
    "fokianos_fried2010": "Fokianos, K. and Fried, R. (2010). Interventions in INGARCH processes. Journal of Time "
    "Series Analysis 31, 210-225.",
    "fokianos_fried2012": "Fokianos, K. and Fried, R. (2012). Interventions in log-linear Poisson autoregression. "
    "Statistical Modelling 12, 299-322.",
    "fokianos_tjostheim2011": "Fokianos, K. and Tjostheim, D. (2011). Log-linear Poisson autoregression. Journal of "
    "Multivariate Analysis 102, 563-578.",
    "frydman1994": "Frydman, H. (1994). A note on nonparametric estimation of the distribution function from "
    "interval-censored and truncated observations. Journal of the Royal Statistical Society B 56, 71-74.",
    "gail1981": "Gail, M. H., Lubin, J. H. and Rubinstein, L. V. (1981). Likelihood calculations for matched "
    "case-control studies and survival studies with tied death times. Biometrika 68, 703-707.",
    "garwood1936": "Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437-442.",
    "gehan1965": "Gehan, E. A. (1965). A generalized Wilcoxon test for comparing arbitrarily singly-censored samples. "
    "Biometrika 52, 203-223.",
    "gehan1969": "Gehan, E. A. (1969). Estimating survival functions from the life table. Journal of Chronic Diseases "
    "21, 629-644.",
    "gerds2014": "Gerds, T. A., Andersen, P. K. and Kattan, M. W. (2014). Calibration plots for risk prediction "
    "models in the presence of competing risks. Statistics in Medicine 33, 3191-3203.",
    "gerds_schumacher2006": "Gerds, T. A. and Schumacher, M. (2006). Consistent estimation of the expected Brier "
    "score in general survival models with right-censored event times. Biometrical Journal 48, 1029-1040.",
    "geskus2011": "Geskus, R. B. (2011). Cause-specific cumulative incidence estimation and the Fine and Gray model "
    "under both left truncation and right censoring. Biometrics 67, 39-49.",
    "geskus_groeneboom1999": "Geskus, R. and Groeneboom, P. (1999). Asymptotically optimal estimation of smooth "
    "functionals for interval censoring, case 2. Annals of Statistics 27, 627-674.",
    "gill1980": "Gill, R. D. (1980). Censoring and Stochastic Integrals. Mathematical Centre Tracts 124, Amsterdam.",
    "goetghebeur_ryan1995": "Goetghebeur, E. and Ryan, L. (1995). Analysis of competing risks survival data when some "
    "failure types are missing. Biometrika 82, 821-833.",
    "gonen_heller2005": "Gonen, M. and Heller, G. (2005). Concordance probability and discriminatory power in "
    "proportional hazards regression. Biometrika 92, 965-970.",
    "good1950": "Good, I. J. (1950). Probability and the Weighing of Evidence. Griffin.",
    "goodman1965": "Goodman, L. A. (1965). On simultaneous confidence intervals for multinomial proportions. "
    "Technometrics 7, 247-254.",
    "graf1999": "Graf, E., Schmoor, C., Sauerbrei, W. and Schumacher, M. (1999). Assessment and comparison of "
    "prognostic classification schemes for survival data. Statistics in Medicine 18, 2529-2545.",
    "grambsch_therneau1994": "Grambsch, P. M. and Therneau, T. M. (1994). Proportional hazards tests and diagnostics "
    "based on weighted residuals. Biometrika 81, 515-526.",
    "gray1988": "Gray, R. J. (1988). A class of K-sample tests for comparing the cumulative incidence of a competing "
    "risk. Annals of Statistics 16, 1141-1154.",
    "gray1992": "Gray, R. J. (1992). Flexible methods for analyzing survival data using splines, with applications to "
    "breast cancer prognosis. JASA 87, 942-951.",
    "greene1994": "Greene, W. H. (1994). Accounting for excess zeros and sample selection in Poisson and negative "
    "binomial regression models. Working paper EC-94-10, Stern School of Business, New York University.",
    "greenland_mansournia2015": "Greenland, S. and Mansournia, M. A. (2015). Penalization, bias reduction, and default "
    "priors in logistic and related categorical and survival regressions. Statistics in Medicine 34, 3133-3143.",
    "greenwood1926": "Greenwood, M. (1926). A report on the natural duration of cancer. Reports on Public Health and "
    "Medical Subjects 33. HMSO.",
    "gwet2008": "Gwet, K. L. (2008). Computing inter-rater reliability and its variance in the presence of high "
    "agreement. British Journal of Mathematical and Statistical Psychology 61, 29-48.",
    "hall_wellner1980": "Hall, W. J. and Wellner, J. A. (1980). Confidence bands for a survival curve from censored "
    "data. Biometrika 67, 133-143.",
    "harrell1982": "Harrell, F. E., Califf, R. M., Pryor, D. B., Lee, K. L. and Rosati, R. A. (1982). Evaluating the "
    "yield of medical tests. JAMA 247, 2543-2546.",
    "harville1974": "Harville, D. A. (1974). Bayesian inference for variance components using only error contrasts. "
    "Biometrika 61, 383-385.",
    "hausman_hall_griliches1984": "Hausman, J., Hall, B. H. and Griliches, Z. (1984). Econometric models for count "
    "data with an application to the patents-R&D relationship. Econometrica 52, 909-938.",
    "hawkes1971": "Hawkes, A. G. (1971). Spectra of some self-exciting and mutually exciting point processes. "
    "Biometrika 58, 83-90.",
    "hayes_krippendorff2007": "Hayes, A. F. and Krippendorff, K. (2007). Answering the call for a standard "
    "reliability measure for coding data. Communication Methods and Measures 1, 77-89.",
    "heinze_schemper2001": "Heinze, G. and Schemper, M. (2001). A solution to the problem of monotone likelihood in "
    "Cox regression. Biometrics 57, 114-119.",
    "heitjan_rubin1991": "Heitjan, D. F. and Rubin, D. B. (1991). Ignorability and coarse data. Annals of Statistics "
    "19, 2244-2253.",
    "held2005": "Held, L., Hoehle, M. and Hofmann, M. (2005). A statistical framework for the analysis of "
    "multivariate infectious disease surveillance counts. Statistical Modelling 5, 187-199.",
    "hijazi_jernigan2009": "Hijazi, R. H. and Jernigan, R. W. (2009). Modelling compositional data using Dirichlet "
    "regression models. Journal of Applied Probability and Statistics 4, 77-91.",
    "hoel1943": "Hoel, P. G. (1943). On indices of dispersion. Annals of Mathematical Statistics 14, 155-162.",
    "holm1979": "Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of "
    "Statistics 6, 65-70.",
    "hommel1988": "Hommel, G. (1988). A stagewise rejective multiple test procedure based on a modified Bonferroni "
    "test. Biometrika 75, 383-386.",
    "huang1996": "Huang, J. (1996). Efficient estimation for the proportional hazards model with interval censoring. "
    "Annals of Statistics 24, 540-568.",
    "huang_wang1995": "Huang, Y. and Wang, M.-C. (1995). Estimating the occurrence rate for prevalent survival data "
    "in competing risks models. JASA 90, 1406-1415.",
    "hudgens2005": "Hudgens, M. G. (2005). On nonparametric maximum likelihood estimation with interval censoring and "
    "left truncation. Journal of the Royal Statistical Society B 67, 573-587.",
    "imbens_manski2004": "Imbens, G. W. and Manski, C. F. (2004). Confidence intervals for partially identified "
    "parameters. Econometrica 72, 1845-1857.",
    "jackson2005": "Jackson, B. et al. (2005). An algorithm for optimal partitioning of data on an interval. IEEE "
    "Signal Processing Letters 12, 105-108.",
    "jacobsen_martinussen2016": "Jacobsen, M. and Martinussen, T. (2016). A note on the large sample properties of "
    "estimators based on generalized linear models for correlated pseudo-observations. Scandinavian Journal of "
    "Statistics 43, 845-862.",
    "jaro1989": "Jaro, M. A. (1989). Advances in record-linkage methodology as applied to matching the 1985 census "
    "of Tampa, Florida. JASA 84, 414-420.",
    "jung1999": "Jung, S.-H. (1999). Rank tests for matched survival data. Lifetime Data Analysis 5, 67-79.",
    "kalbfleisch_lawless1989": "Kalbfleisch, J. D. and Lawless, J. F. (1989). Inference based on retrospective "
    "ascertainment: an analysis of the data on transfusion-related AIDS. JASA 84, 360-372.",
    "kalbfleisch_lawless1991": "Kalbfleisch, J. D. and Lawless, J. F. (1991). Regression models for right truncated "
    "data with applications to AIDS incubation times and reporting lags. Statistica Sinica 1, 19-32.",
    "kalbfleisch_prentice2002": "Kalbfleisch, J. D. and Prentice, R. L. (2002). The Statistical Analysis of Failure "
    "Time Data, 2nd ed. Wiley.",
    "kaplan_meier1958": "Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations. "
    "JASA 53, 457-481.",
    "karrison2016": "Karrison, T. G. (2016). Versatile tests for comparing survival curves based on weighted log-rank "
    "statistics. Stata Journal 16, 678-690.",
    "kass_raftery1995": "Kass, R. E. and Raftery, A. E. (1995). Bayes factors. JASA 90, 773-795.",
    "kattan_gerds2018": "Kattan, M. W. and Gerds, T. A. (2018). The index of prediction accuracy: an intuitive "
    "measure useful for evaluating risk prediction models. Diagnostic and Prognostic Research 2, 7.",
    "kauermann_carroll2001": "Kauermann, G. and Carroll, R. J. (2001). A note on the efficiency of sandwich "
    "covariance matrix estimation. JASA 96, 1387-1396.",
    "keiding1990": "Keiding, N. (1990). Statistical inference in the Lexis diagram. Philosophical Transactions of the "
    "Royal Society A 332, 487-509.",
    "keiding2002": "Keiding, N., Kvist, K., Hartvig, H., Tvede, M. and Juul, S. (2002). Estimating time to "
    "pregnancy from current durations in a cross-sectional sample. Biostatistics 3, 565-578.",
    "kelly_golden_assad1992": "Kelly, J. P., Golden, B. L. and Assad, A. A. (1992). Cell suppression: disclosure "
    "protection for sensitive tabular data. Networks 22, 397-417.",
    "kent_oquigley1988": "Kent, J. T. and O'Quigley, J. (1988). Measures of dependence for censored survival data. "
    "Biometrika 75, 525-534.",
    "killick2012": "Killick, R., Fearnhead, P. and Eckley, I. A. (2012). Optimal detection of changepoints with a "
    "linear computational cost. JASA 107, 1590-1598.",
    "kleene1952": "Kleene, S. C. (1952). Introduction to Metamathematics. North-Holland.",
    "klein2007": "Klein, J. P., Logan, B., Harhoff, M. and Andersen, P. K. (2007). Analyzing survival curves at a "
    "fixed point in time. Statistics in Medicine 26, 4505-4519.",
    "klein_andersen2005": "Klein, J. P. and Andersen, P. K. (2005). Regression modeling of competing risks data based "
    "on pseudovalues of the cumulative incidence function. Biometrics 61, 223-229.",
    "klein_moeschberger2003": "Klein, J. P. and Moeschberger, M. L. (2003). Survival Analysis: Techniques for "
    "Censored and Truncated Data, 2nd ed. Springer.",
    "kosmidis_firth2011": "Kosmidis, I. and Firth, D. (2011). Multinomial logit bias reduction via the Poisson "
    "log-linear model. Biometrika 98, 755-759.",
    "lagakos1988": "Lagakos, S. W., Barraj, L. M. and De Gruttola, V. (1988). Nonparametric analysis of truncated "
    "survival data, with application to AIDS. Biometrika 75, 515-523.",
    "lambert1992": "Lambert, D. (1992). Zero-inflated Poisson regression, with an application to defects in "
    "manufacturing. Technometrics 34, 1-14.",
    "lancaster1961": "Lancaster, H. O. (1961). Significance tests in discrete distributions. JASA 56, 223-234.",
    "lawless1987": "Lawless, J. F. (1987). Negative binomial and mixed Poisson regression. Canadian Journal of "
    "Statistics 15, 209-225.",
    "lawless1994": "Lawless, J. F. (1994). Adjustments for reporting delays and the prediction of occurred but not "
    "reported events. Canadian Journal of Statistics 22, 15-31.",
    "liang_zeger1986": "Liang, K.-Y. and Zeger, S. L. (1986). Longitudinal data analysis using generalized linear "
    "models. Biometrika 73, 13-22.",
    "liboschik2017": "Liboschik, T., Fokianos, K. and Fried, R. (2017). tscount: an R package for analysis of count "
    "time series following generalized linear models. Journal of Statistical Software 82(5), 1-51.",
    "light1971": "Light, R. J. (1971). Measures of response agreement for qualitative data: some generalizations and "
    "alternatives. Psychological Bulletin 76, 365-377.",
    "lin1997": "Lin, D. Y. (1997). Non-parametric inference for cumulative incidence functions in competing risks "
    "studies. Statistics in Medicine 16, 901-910.",
    "lin_wei1989": "Lin, D. Y. and Wei, L. J. (1989). The robust inference for the Cox proportional hazards model. "
    "JASA 84, 1074-1078.",
    "lin_ying1993": "Lin, D. Y. and Ying, Z. (1993). Cox regression with incomplete covariate measurements. JASA 88, "
    "1341-1349.",
    "lin_ying1994": "Lin, D. Y. and Ying, Z. (1994). Semiparametric analysis of the additive risk model. Biometrika "
    "81, 61-71.",
    "lipsitch2010": "Lipsitch, M., Tchetgen Tchetgen, E. and Cohen, T. (2010). Negative controls: a tool for "
    "detecting confounding and bias in observational studies. Epidemiology 21, 383-388.",
    "lopez_bernal2017": "Lopez Bernal, J., Cummins, S. and Gasparrini, A. (2017). Interrupted time series regression "
    "for the evaluation of public health interventions: a tutorial. International Journal of Epidemiology 46, "
    "348-355.",
    "louis1982": "Louis, T. A. (1982). Finding the observed information matrix when using the EM algorithm. Journal of "
    "the Royal Statistical Society B 44, 226-233.",
    "lucas1985": "Lucas, J. M. (1985). Counted data CUSUM's. Technometrics 27, 129-144.",
    "lynden_bell1971": "Lynden-Bell, D. (1971). A method of allowing for known observational selection in small "
    "samples applied to 3CR quasars. Monthly Notices of the Royal Astronomical Society 155, 95-118.",
    "mack1993": "Mack, T. (1993). Distribution-free calculation of the standard error of chain ladder reserve "
    "estimates. ASTIN Bulletin 23, 213-225.",
    "mackinnon_white1985": "MacKinnon, J. G. and White, H. (1985). Some heteroskedasticity-consistent covariance "
    "matrix estimators with improved finite sample properties. Journal of Econometrics 29, 305-325.",
    "magder_hughes1997": "Magder, L. S. and Hughes, J. P. (1997). Logistic regression when the outcome is measured "
    "with uncertainty. American Journal of Epidemiology 146, 195-203.",
    "maidstone2017": "Maidstone, R., Hocking, T., Rigaill, G. and Fearnhead, P. (2017). On optimal multiple "
    "changepoint algorithms for large data. Statistics and Computing 27, 519-533.",
    "maier2014": "Maier, M. J. (2014). DirichletReg: Dirichlet regression for compositional data in R. Research "
    "Report 125, WU Vienna University of Economics and Business.",
    "maller_zhou1996": "Maller, R. A. and Zhou, X. (1996). Survival Analysis with Long-Term Survivors. Wiley.",
    "mancl_derouen2001": "Mancl, L. A. and DeRouen, T. A. (2001). A covariance estimator for GEE with improved "
    "small-sample properties. Biometrics 57, 126-134.",
    "mandel2018": "Mandel, M., de Una-Alvarez, J., Simon, D. K. and Betensky, R. A. (2018). Inverse probability "
    "weighted Cox regression for doubly truncated data. Biometrics 74, 481-487.",
    "manski2003": "Manski, C. F. (2003). Partial Identification of Probability Distributions. Springer.",
    "mantel1966": "Mantel, N. (1966). Evaluation of survival data and two new rank order statistics arising in its "
    "consideration. Cancer Chemotherapy Reports 50, 163-170.",
    "martin_betensky2005": "Martin, E. C. and Betensky, R. A. (2005). Testing quasi-independence of failure and "
    "truncation times via conditional Kendall's tau. JASA 100, 484-492.",
    "martinussen_scheike2006": "Martinussen, T. and Scheike, T. H. (2006). Dynamic Regression Models for Survival "
    "Data. Springer.",
    "mccullagh1980": "McCullagh, P. (1980). Regression models for ordinal data. Journal of the Royal Statistical "
    "Society B 42, 109-142.",
    "mccullagh_nelder1989": "McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd ed. Chapman and "
    "Hall.",
    "mckeague_sasieni1994": "McKeague, I. W. and Sasieni, P. D. (1994). A partly parametric additive risk model. "
    "Biometrika 81, 501-514.",
    "miettinen_nurminen1985": "Miettinen, O. and Nurminen, M. (1985). Comparative analysis of two rates. Statistics "
    "in Medicine 4, 213-226.",
    "moreira_una_alvarez2010": "Moreira, C. and de Una-Alvarez, J. (2010). Bootstrapping the NPMLE for doubly "
    "truncated data. Journal of Nonparametric Statistics 22, 567-583.",
    "mosimann1962": "Mosimann, J. E. (1962). On the compound multinomial distribution, the multivariate "
    "beta-distribution, and correlations among proportions. Biometrika 49, 65-82.",
    "mueller_wang1994": "Mueller, H.-G. and Wang, J.-L. (1994). Hazard rate estimation under random censoring with "
    "varying kernels and bandwidths. Biometrics 50, 61-76.",
    "muggeo2003": "Muggeo, V. M. R. (2003). Estimating regression models with unknown break-points. Statistics in "
    "Medicine 22, 3055-3071.",
    "mullahy1986": "Mullahy, J. (1986). Specification and testing of some modified count data models. Journal of "
    "Econometrics 33, 341-365.",
    "murphy_vaart2000": "Murphy, S. A. and van der Vaart, A. W. (2000). On profile likelihood. JASA 95, 449-465.",
    "nagelkerke1991": "Nagelkerke, N. J. D. (1991). A note on a general definition of the coefficient of "
    "determination. Biometrika 78, 691-692.",
    "nair1984": "Nair, V. N. (1984). Confidence bands for survival functions with censored data: a comparative study. "
    "Technometrics 26, 265-275.",
    "naus1965": "Naus, J. I. (1965). The distribution of the size of the maximum cluster of points on a line. JASA "
    "60, 532-538.",
    "naus1982": "Naus, J. I. (1982). Approximations for distributions of scan statistics. JASA 77, 177-183.",
    "newey_west1987": "Newey, W. K. and West, K. D. (1987). A simple, positive semi-definite, heteroskedasticity and "
    "autocorrelation consistent covariance matrix. Econometrica 55, 703-708.",
    "newey_west1994": "Newey, W. K. and West, K. D. (1994). Automatic lag selection in covariance matrix estimation. "
    "Review of Economic Studies 61, 631-653.",
    "nicolaie2010": "Nicolaie, M. A., van Houwelingen, H. C. and Putter, H. (2010). Vertical modeling: a pattern "
    "mixture approach for competing risks modeling. Statistics in Medicine 29, 1190-1205.",
    "noufaily2013": "Noufaily, A. et al. (2013). An improved algorithm for outbreak detection in multiple "
    "surveillance systems. Statistics in Medicine 32, 1206-1222.",
    "ogata1978": "Ogata, Y. (1978). The asymptotic behaviour of maximum likelihood estimators for stationary point "
    "processes. Annals of the Institute of Statistical Mathematics 30, 243-261.",
    "ogata1988": "Ogata, Y. (1988). Statistical models for earthquake occurrences and residual analysis for point "
    "processes. JASA 83, 9-27.",
    "oquigley2005": "O'Quigley, J., Xu, R. and Stare, J. (2005). Explained randomness in proportional hazards models. "
    "Statistics in Medicine 24, 479-489.",
    "overgaard2017": "Overgaard, M., Parner, E. T. and Pedersen, J. (2017). Asymptotic theory of generalized "
    "estimating equations based on jack-knife pseudo-observations. Annals of Statistics 45, 1988-2015.",
    "ozaki1979": "Ozaki, T. (1979). Maximum likelihood estimation of Hawkes' self-exciting point processes. Annals of "
    "the Institute of Statistical Mathematics 31, 145-155.",
    "ozenne2020": "Ozenne, B. M. H., Scheike, T. H., Staerk, L. and Gerds, T. A. (2020). On the estimation of average "
    "treatment effects with right-censored time to event outcome and competing risks. Biometrical Journal 62, "
    "751-763.",
    "page1954": "Page, E. S. (1954). Continuous inspection schemes. Biometrika 41, 100-115.",
    "pan1999": "Pan, W. (1999). Extending the iterative convex minorant algorithm to the Cox model for "
    "interval-censored data. Journal of Computational and Graphical Statistics 8, 109-120.",
    "parner2023": "Parner, E. T., Andersen, P. K. and Overgaard, M. (2023). Regression models for censored "
    "time-to-event data using infinitesimal jack-knife pseudo-observations, with applications to left-truncation. "
    "Lifetime Data Analysis 29, 654-671.",
    "passonneau2006": "Passonneau, R. (2006). Measuring agreement on set-valued items (MASI) for semantic and "
    "pragmatic annotation. Proceedings of the Fifth International Conference on Language Resources and Evaluation.",
    "paul2008": "Paul, M., Held, L. and Toschke, A. M. (2008). Multivariate modelling of infectious disease "
    "surveillance data. Statistics in Medicine 27, 6250-6267.",
    "peterson1976": "Peterson, A. V. (1976). Bounds for a joint distribution function with fixed sub-distribution "
    "functions: application to competing risks. PNAS 73, 11-13.",
    "peto1972": "Peto, R. and Peto, J. (1972). Asymptotically efficient rank invariant test procedures. Journal of "
    "the Royal Statistical Society A 135, 185-207.",
    "peto1973": "Peto, R. (1973). Experimental survival curves for interval-censored data. Applied Statistics 22, "
    "86-91.",
    "ploberger_kramer1992": "Ploberger, W. and Krämer, W. (1992). The CUSUM test with OLS residuals. Econometrica 60, "
    "271-285.",
    "prais_winsten1954": "Prais, S. J. and Winsten, C. B. (1954). Trend estimators and serial correlation. Cowles "
    "Commission Discussion Paper 383.",
    "prentice1974": "Prentice, R. L. (1974). A log gamma model and its maximum likelihood estimation. "
    "Biometrika 61, 539-544.",
    "prentice1978": "Prentice, R. L., Kalbfleisch, J. D., Peterson, A. V., Flournoy, N., Farewell, V. T. and Breslow, "
    "N. E. (1978). The analysis of failure times in the presence of competing risks. Biometrics 34, 541-554.",
    "prentice1986": "Prentice, R. L. (1986). A case-cohort design for epidemiologic cohort studies and disease "
    "prevention trials. Biometrika 73, 1-11.",
    "prentice_gloeckler1978": "Prentice, R. L. and Gloeckler, L. A. (1978). Regression analysis of grouped survival "
    "data with application to breast cancer data. Biometrics 34, 57-67.",
    "przyborowski1940": "Przyborowski, J. and Wilenski, H. (1940). Homogeneity of results in testing samples from "
    "Poisson series. Biometrika 31, 313-323.",
    "quesenberry_hurst1964": "Quesenberry, C. P. and Hurst, D. C. (1964). Large sample simultaneous confidence "
    "intervals for multinomial proportions. Technometrics 6, 191-195.",
    "raftery_akman1986": "Raftery, A. E. and Akman, V. E. (1986). Bayesian analysis of a Poisson process with a "
    "change-point. Biometrika 73, 85-89.",
    "ramlau_hansen1983": "Ramlau-Hansen, H. (1983). Smoothing counting process intensities by means of kernel "
    "functions. Annals of Statistics 11, 453-466.",
    "reid_crepeau1985": "Reid, N. and Crepeau, H. (1985). Influence functions for proportional hazards regression. "
    "Biometrika 72, 1-9.",
    "rennert_xie2018": "Rennert, L. and Xie, S. X. (2018). Cox regression model with doubly truncated data. "
    "Biometrics 74, 725-733.",
    "renshaw_verrall1998": "Renshaw, A. E. and Verrall, R. J. (1998). A stochastic model underlying the chain-ladder "
    "technique. British Actuarial Journal 4, 903-923.",
    "robins1986": "Robins, J. (1986). A new approach to causal inference in mortality studies with a sustained "
    "exposure period: application to control of the healthy worker survivor effect. Mathematical Modelling 7, "
    "1393-1512.",
    "rossi1980": "Rossi, P. H., Berk, R. A. and Lenihan, K. J. (1980). Money, Work, and Crime: Some Experimental "
    "Results. Academic Press.",
    "rothman_boice1979": "Rothman, K. J. and Boice, J. D. (1979). Epidemiologic Analysis with a Programmable "
    "Calculator. National Institutes of Health.",
    "royston_altman2013": "Royston, P. and Altman, D. G. (2013). External validation of a Cox prognostic model: "
    "principles and methods. BMC Medical Research Methodology 13, 33.",
    "royston_parmar2002": "Royston, P. and Parmar, M. K. B. (2002). Flexible parametric proportional-hazards and "
    "proportional-odds models for censored survival data, with application to prognostic modelling and estimation of "
    "treatment effects. Statistics in Medicine 21, 2175-2197.",
    "royston_parmar2013": "Royston, P. and Parmar, M. K. B. (2013). Restricted mean survival time: an alternative to "
    "the hazard ratio for the design and analysis of randomized trials with a time-to-event outcome. BMC Medical "
    "Research Methodology 13, 152.",
    "royston_sauerbrei2004": "Royston, P. and Sauerbrei, W. (2004). A new measure of prognostic separation in "
    "survival data. Statistics in Medicine 23, 723-748.",
    "rubin1981": "Rubin, D. B. (1981). The Bayesian bootstrap. Annals of Statistics 9, 130-134.",
    "rubin1987": "Rubin, D. B. (1987). Multiple Imputation for Nonresponse in Surveys. Wiley.",
    "runge_truong2024": "Truong, C. and Runge, V. (2024). An efficient algorithm for exact segmentation of large "
    "compositional and categorical time series. Stat 13(4), e70012.",
    "scheike_martinussen2004": "Scheike, T. H. and Martinussen, T. (2004). On estimation and tests of time-varying "
    "effects in the proportional hazards model. Scandinavian Journal of Statistics 31, 51-62.",
    "scheike_zhang_gerds2008": "Scheike, T. H., Zhang, M.-J. and Gerds, T. A. (2008). Predicting cumulative incidence "
    "probability by direct binomial regression. Biometrika 95, 205-220.",
    "schemper2009": "Schemper, M., Wakounig, S. and Heinze, G. (2009). The estimation of average hazard ratios by "
    "weighted Cox regression. Statistics in Medicine 28, 2473-2489.",
    "seber1982": "Seber, G. A. F. (1982). The Estimation of Animal Abundance and Related Parameters, 2nd ed. Griffin.",
    "self_liang1987": "Self, S. G. and Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood estimators "
    "and likelihood ratio tests under nonstandard conditions. JASA 82, 605-610.",
    "self_prentice1988": "Self, S. G. and Prentice, R. L. (1988). Asymptotic distribution theory and efficiency "
    "results for case-cohort studies. Annals of Statistics 16, 64-81.",
    "sen_xu2015": "Sen, B. and Xu, G. (2015). Model based bootstrap methods for interval censored data. Computational "
    "Statistics and Data Analysis 81, 121-129.",
    "shen2010": "Shen, P. (2010). Nonparametric analysis of doubly truncated data. Annals of the Institute of "
    "Statistical Mathematics 62, 835-853.",
    "siegmund1988": "Siegmund, D. (1988). Confidence sets in change-point problems. International Statistical Review "
    "56, 31-48.",
    "simon2011": "Simon, N., Friedman, J., Hastie, T. and Tibshirani, R. (2011). Regularization paths for Cox's "
    "proportional hazards model via coordinate descent. Journal of Statistical Software 39(5), 1-13.",
    "sison_glaz1995": "Sison, C. P. and Glaz, J. (1995). Simultaneous confidence intervals and sample size "
    "determination for multinomial proportions. JASA 90, 366-369.",
    "strawderman1971": "Strawderman, W. E. (1971). Proper Bayes minimax estimators of the multivariate normal mean. "
    "Annals of Mathematical Statistics 42, 385-388.",
    "streitberg1986": "Streitberg, B. and Roehmel, J. (1986). Exact distributions for permutations and rank tests: an "
    "introduction to some recently published algorithms. Statistical Software Newsletter 12, 10-17.",
    "sun1996": "Sun, J. (1996). A non-parametric test for interval-censored failure time data with application to "
    "AIDS studies. Statistics in Medicine 15, 1387-1395.",
    "tarone1975": "Tarone, R. E. (1975). Tests for trend in life table analysis. Biometrika 62, 679-682.",
    "tarone1981": "Tarone, R. E. (1981). On the distribution of the maximum of the logrank statistic and the modified "
    "Wilcoxon statistic. Biometrics 37, 79-85.",
    "tarone_ware1977": "Tarone, R. E. and Ware, J. (1977). On distribution-free tests for equality of survival "
    "distributions. Biometrika 64, 156-160.",
    "taylor1995": "Taylor, J. M. G. (1995). Semi-parametric estimation in failure time mixture models. Biometrics 51, "
    "899-907.",
    "therneau2024": "Therneau, T. M., Crowson, C. S. and Atkinson, E. J. (2024). Multi-state models and competing "
    "risks. Vignette of the R package survival.",
    "therneau_atkinson2024": "Therneau, T. M. and Atkinson, E. J. (2024). Concordance. Vignette of the R package "
    "survival.",
    "therneau_grambsch2000": "Therneau, T. M. and Grambsch, P. M. (2000). Modeling Survival Data: Extending the Cox "
    "Model. Springer.",
    "thomas_grunkemeier1975": "Thomas, D. R. and Grunkemeier, G. L. (1975). Confidence interval estimation of "
    "survival probabilities for censored data. JASA 70, 865-871.",
    "tian2014": "Tian, L., Zhao, L. and Wei, L. J. (2014). Predicting the restricted mean event time with the "
    "subject's baseline covariates in survival analysis. Biostatistics 15, 222-233.",
    "tibshirani1997": "Tibshirani, R. (1997). The lasso method for variable selection in the Cox model. Statistics in "
    "Medicine 16, 385-395.",
    "tibshirani2012": "Tibshirani, R., Bien, J., Friedman, J., Hastie, T., Simon, N., Taylor, J. and Tibshirani, R. "
    "J. (2012). Strong rules for discarding predictors in lasso-type problems. Journal of the Royal Statistical "
    "Society B 74, 245-266.",
    "tiwari2006": "Tiwari, R. C., Clegg, L. X. and Zou, Z. (2006). Efficient interval estimation for age-adjusted "
    "cancer rates. Statistical Methods in Medical Research 15, 547-569.",
    "tsai1990": "Tsai, W.-Y. (1990). Testing the assumption of independence of truncation time and failure time. "
    "Biometrika 77, 169-177.",
    "tsiatis1981": "Tsiatis, A. A. (1981). A large sample study of Cox's regression model. Annals of Statistics 9, "
    "93-108.",
    "turnbull1976": "Turnbull, B. W. (1976). The empirical distribution function with arbitrarily grouped, censored "
    "and truncated data. Journal of the Royal Statistical Society B 38, 290-295.",
    "tutz_schmid2016": "Tutz, G. and Schmid, M. (2016). Modeling Discrete Time-to-Event Data. Springer.",
    "uno2007": "Uno, H., Cai, T., Tian, L. and Wei, L. J. (2007). Evaluating prediction rules for t-year survivors "
    "with censored regression models. JASA 102, 527-537.",
    "uno2011": "Uno, H., Cai, T., Pencina, M. J., D'Agostino, R. B. and Wei, L. J. (2011). On the C-statistics for "
    "evaluating overall adequacy of risk prediction procedures with censored survival data. Statistics in Medicine "
    "30, 1105-1117.",
    "uno2014": "Uno, H., Claggett, B., Tian, L. et al. (2014). Moving beyond the hazard ratio in quantifying the "
    "between-group difference in survival analysis. Journal of Clinical Oncology 32, 2380-2385.",
    "vakulenko_lagun2020": "Vakulenko-Lagun, B., Mandel, M. and Betensky, R. A. (2020). Inverse probability weighting "
    "methods for Cox regression with right-truncated data. Biometrics 76, 484-495.",
    "van_de_geer2014": "van de Geer, S., Buehlmann, P., Ritov, Y. and Dezeure, R. (2014). On asymptotically optimal "
    "confidence regions and tests for high-dimensional models. Annals of Statistics 42, 1166-1202.",
    "vandenbroek1995": "van den Broek, J. (1995). A score test for zero inflation in a Poisson distribution. "
    "Biometrics 51, 738-743.",
    "vardi1982": "Vardi, Y. (1982). Nonparametric estimation in the presence of length bias. Annals of Statistics "
    "10, 616-620.",
    "vardi1989": "Vardi, Y. (1989). Multiplicative censoring, renewal processes, deconvolution and decreasing "
    "density: nonparametric estimation. Biometrika 76, 751-761.",
    "venzon_moolgavkar1988": "Venzon, D. J. and Moolgavkar, S. H. (1988). A method for computing "
    "profile-likelihood-based confidence intervals. Applied Statistics 37, 87-94.",
    "verweij_vanhouwelingen1993": "Verweij, P. J. M. and van Houwelingen, H. C. (1993). Cross-validation in survival "
    "analysis. Statistics in Medicine 12, 2305-2314.",
    "verweij_vanhouwelingen1994": "Verweij, P. J. M. and van Houwelingen, H. C. (1994). Penalized likelihood in Cox "
    "regression. Statistics in Medicine 13, 2427-2436.",
    "wallenstein_neff1987": "Wallenstein, S. and Neff, N. (1987). An approximation for the distribution of the scan "
    "statistic. Statistics in Medicine 6, 197-207.",
    "wang1991": "Wang, M.-C. (1991). Nonparametric estimation from cross-sectional survival data. JASA 86, 130-143.",
    "wang_heitjan2008": "Wang, H. and Heitjan, D. F. (2008). Modeling heaping in self-reported cigarette counts. "
    "Statistics in Medicine 27, 3789-3804.",
    "white1980": "White, H. (1980). A heteroskedasticity-consistent covariance matrix estimator and a direct test for "
    "heteroskedasticity. Econometrica 48, 817-838.",
    "whittemore_gong1991": "Whittemore, A. S. and Gong, G. (1991). Poisson regression with misclassified counts: "
    "application to cervical cancer mortality rates. Applied Statistics 40, 81-93.",
    "wilson1927": "Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA "
    "22, 209-212.",
    "winkler1988": "Winkler, W. E. (1988). Using the EM algorithm for weight computation in the Fellegi-Sunter model "
    "of record linkage. Proceedings of the Section on Survey Research Methods, ASA, 667-671.",
    "winkler1990": "Winkler, W. E. (1990). String comparator metrics and enhanced decision rules in the "
    "Fellegi-Sunter model of record linkage. Proceedings of the Section on Survey Research Methods, ASA, 354-359.",
    "worsley1986": "Worsley, K. J. (1986). Confidence regions and tests for a change-point in a sequence of "
    "exponential family random variables. Biometrika 73, 91-104.",
    "wu2014": "Wu, J. (2014). A new one-sample log-rank test. Journal of Biometrics and Biostatistics 5, 210.",
    "xiao_hudgens2019": "Xiao, J. and Hudgens, M. G. (2019). On nonparametric maximum likelihood estimation with "
    "double truncation. Biometrika 106, 989-996.",
    "zhang_siegmund2007": "Zhang, N. R. and Siegmund, D. O. (2007). A modified Bayes information criterion with "
    "applications to the analysis of comparative genomic hybridization data. Biometrics 63, 22-32.",
    "zhou2011": "Zhou, B., Latouche, A., Rocha, V. and Fine, J. (2011). Competing risks regression for stratified "
    "data. Biometrics 67, 661-670.",
    "zhou2012": "Zhou, B., Fine, J., Latouche, A. and Labopin, M. (2012). Competing risks regression for clustered "
    "data. Biostatistics 13, 371-383.",
    "zhou_fine_laird2013": "Zhou, B., Fine, J. and Laird, G. (2013). Goodness-of-fit test for proportional "
    "subdistribution hazards model. Statistics in Medicine 32, 3804-3811.",
    "zou_donner2008": "Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures: a "
    "general approach. Statistics in Medicine 27, 1693-1702.",
    "zou_hastie2005": "Zou, H. and Hastie, T. (2005). Regularization and variable selection via the elastic net. "
    "Journal of the Royal Statistical Society B 67, 301-320.",
}


def citation(sources: Iterable[str], method: str = "") -> str:
    """Say which version and which papers stand behind a number."""
    lines = [f"exitmodels {VERSION}" + (f": {method}." if method else ".")]
    lines += [f"  {REFERENCES[key]}" for key in sources]
    return "\n".join(lines)
